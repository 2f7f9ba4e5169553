"""One engine for the process, and who is speaking to it.

On stdio and SSE the SDK enters the server's lifespan once for each connection, on streamable HTTP
once for all; the engine must be one in either case, since it holds the store's only writer. It is
opened by the first call rather than by the first connection: `initialize` is answered before any
of our domain code is imported.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
from mcp.server.context import ServerRequestContext

from tmws_mcp.errors import TmwsError
from tmws_mcp.measures import Measures
from tmws_mcp.model.base import storable_name
from tmws_mcp.server.access import caller_access
from tmws_mcp.server.entries import Caller
from tmws_mcp.server.resident import Resident
from tmws_mcp.settings import Settings
from tmws_mcp.telemetry import get_logger

if TYPE_CHECKING:
    from tmws_mcp.engine import Engine

CLOSE_SECONDS_MAX = 5.0  # clients kill a server that takes longer; what is acknowledged is safe
ENDED_WITH_SESSION = "tmws_mcp.ended_with_session"

log = get_logger("server")


@dataclass(frozen=True, slots=True)
class Served:
    """What the lifespan gives to each request."""

    connection: str
    """The one connection of stdio and SSE; on HTTP all that have no session."""


class SharedEngine:
    """The engine, opened by the first call and closed with the last connection."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.measures = Measures()
        """What this process was asked for."""
        self._connections = 0
        self._owner: _Owner | None = None
        self._resident: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Served]:
        """Serve a connection: the engine stays as long as one does."""
        self._connections += 1
        if self._resident is None:
            self._resident = asyncio.create_task(Resident(self._settings, self.get).run())
        served = Served(connection=secrets.token_hex(8))
        try:
            yield served
        finally:
            self._connections -= 1
            with anyio.move_on_after(CLOSE_SECONDS_MAX, shield=True):
                await self._leave(served.connection)

    async def get(self) -> "Engine":
        """Return the engine as the caller of the request at work may see it."""
        engine, access = await self.opened(), caller_access()
        return engine.seen_by(access) if access else engine

    async def opened(self) -> "Engine":
        """Return the engine itself, and open it if need be."""
        if self._owner is None or self._owner.task.done():
            self._owner = _Owner(self._settings)
        # A caller that gives up must not take the engine from those who wait beside it.
        return await asyncio.shield(self._owner.engine)

    async def _leave(self, connection: str) -> None:
        if self._connections == 0 and self._resident is not None:
            resident, self._resident = self._resident, None
            resident.cancel()
            await asyncio.wait([resident])
        owner = self._owner
        if owner is None:
            return
        try:
            if owner.is_open:
                await owner.engine.result().end_connection(connection)
        except TmwsError as error:  # a full disk, a newer schema: a later process ends the session
            log.warning("connection.not_ended", error=type(error).__name__)
        finally:
            if self._connections == 0:
                self._owner = None
                owner.closing.set()
                await owner.task


class _Owner:
    """Opens the engine and closes it again in a task of its own.

    Connections come and go in any order, and an engine must be left by the task that entered it,
    which no connection's task can promise to be.
    """

    def __init__(self, settings: Settings) -> None:
        self.engine: asyncio.Future[Engine] = asyncio.get_running_loop().create_future()
        self.closing = asyncio.Event()
        self.task = asyncio.create_task(self._own(settings))

    @property
    def is_open(self) -> bool:
        """Whether the engine can be used."""
        return self.engine.done() and self.engine.exception() is None and not self.task.done()

    async def _own(self, settings: Settings) -> None:
        try:
            # In a thread: loading it takes longer than a ping or a hook waits for its answer.
            open_engine = (await anyio.to_thread.run_sync(_engine_module)).open_engine
            async with open_engine(settings) as engine:
                self.engine.set_result(engine)
                await self.closing.wait()
        except Exception as error:
            if self.engine.done():
                raise
            self.engine.set_exception(error)


def _engine_module() -> ModuleType:
    from tmws_mcp import engine  # noqa: PLC0415 - `initialize` goes before it

    return engine


def caller_of(request: ServerRequestContext[Any, Any], engine: "Engine") -> Caller:
    """Return who makes a request."""
    params = request.session.client_params
    info = params.client_info if params else None
    # Only a label: a client may say of itself what it likes.
    client = f"{info.name} {info.version}" if info else ""
    return Caller(connection_of(request, engine), storable_name(client))


def connection_of(request: ServerRequestContext[Any, Any], engine: "Engine") -> str:
    """Return the connection that a request belongs to: its implicit session is kept under it.

    A session of streamable HTTP (2025 revisions) ends as the SDK ends it. Revision 2026-07-28 has
    no connections over HTTP: there all callers of this process that name no `session_id` share one
    implicit session, one for each token, so that callers who care send a `session_id`.
    """
    peer = request.session._connection  # noqa: SLF001 - the SDK has no public way; a test guards it
    if peer.session_id is None:
        served: Served = request.lifespan_context
        access = caller_access()
        return f"{served.connection}-{access.token}" if access else served.connection
    if ENDED_WITH_SESSION not in peer.state:
        peer.state[ENDED_WITH_SESSION] = True
        peer.exit_stack.push_async_callback(engine.end_connection, peer.session_id)
    return peer.session_id
