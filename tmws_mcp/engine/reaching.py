"""The other MCP servers of an engine: configured by a file, started by the first call."""

import anyio.abc
import anyio.to_thread
from pydantic import JsonValue

from tmws_mcp.actions.upstream.config import Configured, read_servers
from tmws_mcp.actions.upstream.server import Limits
from tmws_mcp.actions.upstream.servers import Upstream
from tmws_mcp.engine.once import Once
from tmws_mcp.errors import FileError, ToolUnreachable
from tmws_mcp.model import JsonObject
from tmws_mcp.model.status import UpstreamState
from tmws_mcp.settings import Settings, command_environment


class Reaching:
    """Calls tools of other servers for the engine."""

    def __init__(self, settings: Settings, tasks: anyio.abc.TaskGroup) -> None:
        self._settings, self._tasks = settings, tasks
        self._upstream = Once(self._open)

    async def call(self, name: str, arguments: JsonObject) -> JsonValue:
        """Call a tool of another server.

        Raises:
            ToolUnreachable: There is no such tool, or no way to it.
            InvalidInput: Several servers have it.
            ActionError: The call failed.
        """
        if self._settings.upstream is None:
            raise ToolUnreachable(f"no tool {name!r} can be reached from here")
        try:
            upstream = await self._upstream()
        except FileError as error:
            raise ToolUnreachable(str(error)) from error
        return await upstream.call(name, arguments)

    def only_reads(self, name: str) -> bool:
        """Whether a tool is known to change nothing."""
        return self._upstream.opened is not None and self._upstream.opened.only_reads(name)

    async def states(self, *, start: bool) -> tuple[UpstreamState, ...]:
        """Return how each server is; with `start` those that do not run are started first.

        Raises:
            FileError: The file that names them cannot be used.
        """
        if self._settings.upstream is None:
            return ()
        upstream = await self._upstream()
        if start:
            await upstream.start_all()
        return upstream.states()

    async def in_words(self) -> tuple[str, ...] | None:
        """Say how each server is; None where none is configured, or all that is known is wrong."""
        try:
            states = await self.states(start=False)
        except FileError:
            return None
        return tuple(f"{server.name}: {server.state}" for server in states) or None

    async def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the file that names them."""
        if self._settings.upstream is None:
            return ()
        try:
            return (await self._upstream()).problems
        except FileError as error:
            return (str(error),)

    async def _open(self) -> Upstream:
        settings = self._settings
        configured = await anyio.to_thread.run_sync(_read, settings)
        return Upstream(
            configured,
            self._tasks,
            limits=limits_of(settings),
            environment=command_environment(),
            folder=settings.workspace or settings.project,
            trust_hints=settings.upstream_trust_hints,
        )


def limits_of(settings: Settings) -> Limits:
    """Return what the settings let another server take up."""
    return Limits(
        call_seconds=settings.upstream_seconds_max,
        start_seconds=settings.upstream_start_seconds_max,
        idle_seconds=settings.upstream_idle_seconds,
        calls=settings.upstream_calls_max,
    )


def _read(settings: Settings) -> Configured:
    assert settings.upstream is not None
    return read_servers(settings.upstream)
