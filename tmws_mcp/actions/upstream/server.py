"""One other MCP server: started when it is first needed, kept, and let go when it is not.

One task owns the connection from its beginning to its end, since the scopes that the SDK opens must
be closed by the task that opened them; calls come from other tasks and only exchange messages with
it. What goes wrong with the server ends that task and never the engine: the next call starts the
server again, after a wait that doubles with each failure.
"""

import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.abc
from pydantic import JsonValue

from tmws_mcp.actions.upstream.config import ServerConfig
from tmws_mcp.errors import ActionError, ToolUnreachable
from tmws_mcp.model import JsonObject
from tmws_mcp.telemetry import get_logger

if TYPE_CHECKING:
    from tmws_mcp.actions.upstream.connection import Connection

HANGS_MAX = 2
"""Calls in a row without an answer after which a server counts as hung, and is ended."""
HANG_SECONDS_MIN = 1.0
"""A call that its caller gave up sooner says nothing of the server."""
WAIT_SECONDS_MAX = 1.0
"""A caller waits so long for a restart; beyond that it is told when the restart will be."""
JITTER = 0.5
"""The share of a wait that chance decides: many servers that died at once do not return at once."""
DOUBLINGS_MAX = 16

log = get_logger("upstream")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server may take up."""

    call_seconds: float = 30.0
    start_seconds: float = 30.0
    idle_seconds: float = 300.0
    calls: int = 4
    """At once; more wait their turn."""
    message_bytes: int = 4 * 2**20
    back_off_seconds: float = 0.5
    back_off_seconds_max: float = 60.0


@dataclass
class Attempt:
    """A start of the server, and what came of it."""

    settled: anyio.Event = field(default_factory=anyio.Event)
    connection: "Connection | None" = None

    @property
    def running(self) -> "Connection | None":
        """The connection, as long as something can be called through it."""
        return None if self.connection is None or self.connection.is_gone else self.connection

    @property
    def is_over(self) -> bool:
        """Whether nothing can come of it any more, though its process may still be ending."""
        return self.settled.is_set() and self.running is None


@dataclass
class UpstreamServer:
    """A configured server; `call` and `tools` start it where it does not run."""

    name: str
    config: ServerConfig
    limits: Limits
    tasks: anyio.abc.TaskGroup
    environment: Mapping[str, str]
    folder: Path | None = None
    chance: Callable[[], float] = random.random
    starts: int = 0
    _attempt: Attempt | None = None
    _failures: int = 0
    _hangs: int = 0
    _hung_at: float = 0.0
    _listed: frozenset[str] | None = None
    _not_before: float = 0.0
    _why: str = ""
    _turns: anyio.CapacityLimiter = field(init=False)

    def __post_init__(self) -> None:
        self._turns = anyio.CapacityLimiter(self.limits.calls)

    async def call(self, tool: str, arguments: JsonObject) -> JsonValue:
        """Call a tool and return what it answers.

        Raises:
            ToolUnreachable: The server does not run and cannot be started now.
            ActionError: The call failed, or no answer came in time.
        """
        async with self._turns:
            connection, begun = await self.ready(), anyio.current_time()
            try:
                with anyio.fail_after(self.limits.call_seconds):
                    value = await connection.call(tool, arguments)
            except TimeoutError as error:
                raise ActionError(self._hung(connection, tool, begun)) from error
            except anyio.get_cancelled_exc_class():
                # As a rule a pattern's budget is at its end long before our own limit.
                if anyio.current_time() - begun >= HANG_SECONDS_MIN:
                    self._ended_as_hung(connection, begun)
                raise
        self._failures = self._hangs = 0
        return value

    async def ready(self) -> "Connection":
        """Return the connection, made by the first who asks.

        Raises:
            ToolUnreachable: It cannot be made now.
        """
        if self._attempt is None or self._attempt.is_over:
            await self._wait_for_restart()
        if self._attempt is None or self._attempt.is_over:
            self._attempt = Attempt()
            self.tasks.start_soon(self._own, self._attempt)
        attempt = self._attempt
        await attempt.settled.wait()
        if attempt.running is None:
            raise ToolUnreachable(f"server {self.name} cannot be reached: {self._why}")
        return attempt.running

    @property
    def connection(self) -> "Connection | None":
        """The connection, where it runs."""
        return self._attempt.running if self._attempt else None

    @property
    def tools(self) -> frozenset[str] | None:
        """The names of its tools as last known; None where it was never asked."""
        return self._listed if self.connection is None else frozenset(self.connection.tools)

    @property
    def state(self) -> str:
        """Say in words whether it runs."""
        if self.connection is not None:
            return "running"
        if self._attempt is not None and not self._attempt.is_over:
            return "starting"
        if self._failures:
            return f"failed: {self._why}"
        return "stopped: not used for a while" if self.starts else "not started yet"

    async def _wait_for_restart(self) -> None:
        left = self._not_before - anyio.current_time()
        if left > WAIT_SECONDS_MAX:
            raise ToolUnreachable(
                f"server {self.name} failed ({self._why}); it is started again in {left:.0f} s"
            )
        if left > 0:
            await anyio.sleep(left)

    async def _own(self, attempt: Attempt) -> None:
        """Hold the connection from its start to its end, in this task alone."""
        self.starts += 1
        try:
            async with self._connected() as connection:
                attempt.connection = connection
                attempt.settled.set()
                try:
                    await connection.until_unused(self.limits.idle_seconds)
                finally:
                    self._listed = frozenset(connection.tools)
                if connection.is_gone:
                    self._failed(connection.reason)
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this server alone
            self._failed(_said(error))
        finally:
            attempt.connection = None
            attempt.settled.set()

    @asynccontextmanager
    async def _connected(self) -> "AsyncIterator[Connection]":
        """Give the connection once it is made, within the time for a start."""
        # The SDK's client and the HTTP client are imported with the first server.
        from tmws_mcp.actions.upstream.connection import connect  # noqa: PLC0415
        from tmws_mcp.actions.upstream.pipe import Pipe  # noqa: PLC0415
        from tmws_mcp.actions.upstream.web import web  # noqa: PLC0415

        config, most = self.config, self.limits.message_bytes
        pipe = None
        if config.command:
            environment = {**self.environment, **config.env}
            argv, folder = (config.command, *config.args), config.cwd or self.folder
            pipe = Pipe(argv, environment, folder, most)
        try:
            with anyio.fail_after(self.limits.start_seconds) as starting:
                async with connect(self.name, pipe or web(config, most), pipe) as connection:
                    starting.deadline = float("inf")
                    yield connection
        except Exception as error:
            if pipe and pipe.gone.is_set():
                raise ActionError(pipe.reason()) from error
            raise

    def _failed(self, why: str) -> None:
        """Note a failure; the next start waits twice as long as the one before."""
        doublings = min(self._failures, DOUBLINGS_MAX)
        wait = min(self.limits.back_off_seconds * 2**doublings, self.limits.back_off_seconds_max)
        self._failures += 1
        self._not_before = anyio.current_time() + wait * (1 - JITTER * self.chance())
        self._why = why
        log.warning("upstream.failed", server=self.name, failures=self._failures)

    def _hung(self, connection: "Connection", tool: str, begun: float) -> str:
        """Say that a call had no answer, and what became of the server."""
        said = f"{self.name}.{tool} did not answer within {self.limits.call_seconds:g} s"
        if self._ended_as_hung(connection, begun):
            return (
                f"{said}, as the call before; the server is ended, and started again when needed."
            )
        return f"{said}; the call was cancelled."

    def _ended_as_hung(self, connection: "Connection", begun: float) -> bool:
        """Count a call without an answer; after HANGS_MAX in a row end the server: then True.

        Calls side by side that are given up together are one: they may have asked for too much.
        """
        if begun >= self._hung_at:
            self._hangs, self._hung_at = self._hangs + 1, anyio.current_time()
        if self._hangs < HANGS_MAX:
            return False
        self._hangs = 0
        connection.end("it did not answer")
        return True


def _said(error: BaseException) -> str:
    """Say what went wrong: the SDK's client wraps what is raised inside it into groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        return "it did not start in time"
    return " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__
