"""A server listens for the hooks of its user's agents: a socket in the spool's folder.

A hook is a process of its own for each event and cannot wait for the engine to open: it tells a
server that runs anyhow (ingest/hook_entry.py). Of several servers on one folder one listens, under
a lock that the kernel takes back when its owner dies. Windows' Python has no such sockets: there
events wait in the folder until a server takes them in.
"""

import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
import anyio.abc
import anyio.to_thread

from tmws_mcp.errors import TmwsError
from tmws_mcp.settings import Settings
from tmws_mcp.telemetry import get_logger

if TYPE_CHECKING:
    from tmws_mcp.engine import Engine
    from tmws_mcp.ingest.spool import Event

FOLDER, SOCKET, LOCK = "spool", "socket", "lock"
ROUND_SECONDS = 2.0
PATH_BYTES_MAX = 100
"""What all systems allow for a socket's path; in a longer one events wait in the folder."""
READ_SECONDS_MAX = 2.0
CONTENT_BYTES_MAX = 9 * 1024 * 1024
"""An event of hook_entry.INPUT_BYTES_MAX with the two lines before it."""
AT_ONCE_MAX = 32
HINT_SECONDS_MAX: Final = {"SessionStart": 1.5, "UserPromptSubmit": 0.4}
UNHURRIED = frozenset(HINT_SECONDS_MAX)
"""Before these the agent has not begun: they wait for what is not loaded yet."""
HINT_SECONDS_MAX_ELSE = 0.2
"""The agent waits for it, after each failure. Not for what must be loaded first: then no hint
comes, and what is needed is loaded beside."""

GetEngine = Callable[[], Awaitable["Engine"]]

log = get_logger("hooks")


class Resident:
    """Listens beside a server, and opens its engine once there is something to do."""

    def __init__(self, settings: Settings, engine: GetEngine) -> None:
        self._folder, self._engine = settings.home / FOLDER, engine
        self._at_once = anyio.CapacityLimiter(AT_ONCE_MAX)
        self._tasks: anyio.abc.TaskGroup | None = None
        self._is_ready, self._gets_ready = False, False

    async def run(self, round_seconds: float = ROUND_SECONDS) -> None:
        """Listen, or wait until the one that listens is gone, until cancelled."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            tasks.start_soon(self._open_for_what_waits, round_seconds)
            while can_listen(self._folder):
                try:
                    await self._listen()
                except OSError as error:  # no home yet, a full disk, another server listens
                    log.debug("hooks.not_listening", error=str(error))
                await anyio.sleep(round_seconds)

    async def _open_for_what_waits(self, round_seconds: float) -> None:
        """Have an engine that nobody has called yet take in what hooks have put down."""
        while not _holds_events(self._folder):  # noqa: ASYNC110 - other processes put them down
            await anyio.sleep(round_seconds)
        try:
            await self._engine()
        except TmwsError as error:  # the first call will say so too
            log.warning("hooks.not_observed", error=type(error).__name__)

    async def _listen(self) -> None:
        if not self._folder.parent.is_dir():
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._folder / SOCKET
        async with _locked(self._folder / LOCK), _socket_at(path) as listener:
            await listener.serve(self._serve)

    async def _serve(self, stream: anyio.abc.SocketStream) -> None:
        async with stream, self._at_once:
            try:
                await self._answer(stream)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError, TimeoutError):
                return  # the hook has gone
            except (OSError, ValueError, TmwsError) as error:
                log.warning("hooks.event_refused", error=type(error).__name__)
            except Exception:  # a bug in here must not end the server
                log.exception("hooks.crashed")

    async def _answer(self, stream: anyio.abc.SocketStream) -> None:
        from tmws_mcp.ingest import hook_entry, spool  # noqa: PLC0415 - with the first event

        with anyio.fail_after(READ_SECONDS_MAX):
            content = await _received(stream)
        event = await anyio.to_thread.run_sync(spool.keep, content, self._folder)
        await stream.send(hook_entry.KEPT)
        if text := await self._hint(event):
            await stream.send(text.encode())

    async def _hint(self, event: "Event") -> str:
        """Return what the client hands to its agent; nothing where it is late."""
        name, said = event.text("hook_event_name"), ""
        self._begin_to_get_ready(event)
        if not self._is_ready and name not in UNHURRIED:
            return ""
        with anyio.move_on_after(HINT_SECONDS_MAX.get(name, HINT_SECONDS_MAX_ELSE)):
            said = await (await self._engine()).hooks.hint(event)
        if not said:
            return ""
        named = {"hookEventName": name, "additionalContext": said}
        return json.dumps({"hookSpecificOutput": named})

    def _begin_to_get_ready(self, event: "Event") -> None:
        if self._tasks is not None and not self._gets_ready:
            self._gets_ready = True
            self._tasks.start_soon(self._get_ready, event)

    async def _get_ready(self, event: "Event") -> None:
        """Load what hints need, beside the events that come meanwhile."""
        try:
            await (await self._engine()).hooks.get_ready(event)
            self._is_ready = True
        except TmwsError as error:  # the next event tries again
            self._gets_ready = False
            log.warning("hooks.not_ready", error=type(error).__name__)


def can_listen(folder: Path) -> bool:
    """Tell whether there can be a socket in that folder."""
    return sys.platform != "win32" and len(os.fsencode(folder / SOCKET)) <= PATH_BYTES_MAX


def _holds_events(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(entry.name.endswith(".json") for entry in entries)
    except OSError:
        return False


async def _received(stream: anyio.abc.SocketStream) -> bytes:
    """Return all that a hook sends.

    Raises:
        ValueError: It is too much.
    """
    content = bytearray()
    try:
        while len(content) <= CONTENT_BYTES_MAX:
            content += await stream.receive()
    except anyio.EndOfStream:
        return bytes(content)
    raise ValueError("the event is too large")


@asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    """Hold a lock that no other process holds.

    Raises:
        BlockingIOError: Another one does.
    """
    import fcntl  # noqa: PLC0415 - not on Windows

    opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(opened)


@asynccontextmanager
async def _socket_at(path: Path) -> AsyncIterator[anyio.abc.SocketListener]:
    """Listen at a path that only its owner can use; what a dead server left there is replaced."""
    listener = await anyio.create_unix_listener(path, mode=0o600, backlog=4 * AT_ONCE_MAX)
    try:
        async with listener:
            yield listener
    finally:
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - while the server ends
