"""One engine for all connections, and an implicit session for each."""

import anyio
import pytest
from mcp import Client
from mcp.server.connection import Connection
from mcp.server.mcpserver import MCPServer
from mcp.server.session import ServerSession

from tests.server.calls import text_of
from tmws_mcp.server.app import build_server
from tmws_mcp.server.connection import SharedEngine
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database

pytestmark = pytest.mark.anyio

STEP = {"task": "build", "tool_used": "make", "success": True}


async def session_of(client: Client, **arguments: object) -> str:
    result = await client.call_tool("observe_interaction", {**STEP, **arguments})
    assert result.structured_content is not None, text_of(result)
    session: str = result.structured_content["session_id"]
    return session


async def ended_sessions(settings: Settings) -> set[str]:
    async with Database(settings.db) as store:
        rows = await store.read(lambda db: db.rows("SELECT name, ended_at FROM session"))
    return {name for name, ended_at in rows if ended_at is not None}


def test_the_private_parts_of_the_sdk_that_we_use_are_there(settings: Settings) -> None:
    server = build_server(settings)

    assert callable(server._lowlevel_server.run)
    assert callable(server._lowlevel_server.create_initialization_options)
    assert server.settings.lifespan is not None
    connection = Connection.from_envelope("2026-07-28", None, None)
    assert ServerSession(connection.outbound, connection)._connection is connection  # type: ignore[arg-type]


async def test_connections_share_the_engine_and_leave_in_any_order(settings: Settings) -> None:
    shared = SharedEngine(settings)
    first, second = shared.connection(), shared.connection()

    await first.__aenter__()
    engine = await shared.get()
    await second.__aenter__()
    await first.__aexit__(None, None, None)

    assert await shared.get() is engine
    await second.__aexit__(None, None, None)
    assert shared._owner is None, "the last one has closed it"


async def test_an_engine_that_was_closed_opens_again(settings: Settings) -> None:
    shared = SharedEngine(settings)
    async with shared.connection():
        first = await shared.get()
    async with shared.connection():
        assert await shared.get() is not first


async def test_callers_at_once_wait_for_one_engine(settings: Settings) -> None:
    shared, engines = SharedEngine(settings), set()

    async def get() -> None:
        engines.add(await shared.get())

    async with shared.connection(), anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(get)

    assert len(engines) == 1


async def test_each_connection_has_an_implicit_session_of_its_own(settings: Settings) -> None:
    server: MCPServer[object] = build_server(settings)
    async with Client(server) as one, Client(server) as other:
        first, second = await session_of(one), await session_of(other)

        assert first != second
        assert await session_of(one) == first


async def test_the_implicit_session_ends_with_its_connection(settings: Settings) -> None:
    async with Client(build_server(settings)) as client:
        implicit = await session_of(client)
        await session_of(client, session_id="mine")

    assert await ended_sessions(settings) == {implicit}


async def test_a_session_that_is_named_is_not_the_connections(client: Client) -> None:
    assert await session_of(client, session_id="mine") == "mine"
    assert await session_of(client) != "mine"


async def test_a_cancelled_call_leaves_the_server_at_work(settings: Settings) -> None:
    async with Client(build_server(settings)) as client:
        with anyio.move_on_after(0.001):
            await client.call_tool("store_memory", {"content": "perhaps stored"})

        with anyio.fail_after(10):
            result = await client.call_tool("store_memory", {"content": "surely stored"})

    assert not result.is_error
