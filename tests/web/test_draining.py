"""A server that is to end answers what is at work, and ends streams with a proper last chunk."""

import anyio
import httpx2
import pytest
from mcp import Client
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.web.served import Served, served
from tmws_mcp.settings import Settings

pytestmark = pytest.mark.anyio

SLOW = """
id: infrastructure.slow
route: infrastructure
summary: Takes a while
triggers: {exact: [take a while]}
examples: {match: [take a while]}
steps: [{name: wait, command: [sleep, "1"]}]
"""


@pytest.fixture
def slow(settings: Settings, tmp_path) -> Settings:
    """Settings with a pattern that takes a second."""
    folder = tmp_path / "mine" / "infrastructure"
    folder.mkdir(parents=True)
    (folder / "slow.yaml").write_text(SLOW)
    return settings.model_copy(
        update={
            "pattern_dirs": (tmp_path / "mine",),
            "commands": ("sleep",),
            "command_folders": (tmp_path,),
        }
    )


async def end(server: Served) -> None:
    server.app.state.draining.begin()
    server.web.should_exit = True


async def test_a_call_at_work_is_answered_before_the_process_ends(slow: Settings) -> None:
    answered = []
    async with served(slow) as server, Client(f"{server.url}/mcp") as client:
        await client.call_tool("pattern_execute", {"query": "take a while", "dry_run": True})

        async def call() -> None:
            answered.append(await client.call_tool("pattern_execute", {"query": "take a while"}))

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                while not server.app.state.limits.at_work:
                    await anyio.sleep(0.01)
                await end(server)

    assert not answered[0].is_error


async def test_a_stream_gets_its_end(settings: Settings) -> None:
    async with served(settings) as server, httpx2.AsyncClient(timeout=20) as client:
        headers = {"Accept": "application/json, text/event-stream"}
        hello = {
            "jsonrpc": "2.0", "id": 1, "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": {"name": "t", "version": "1"},
            },
        }  # fmt: skip
        url = f"{server.url}/mcp"
        begun = await client.post(url, json=hello, headers=headers)
        headers["Mcp-Session-Id"] = begun.headers["mcp-session-id"]
        async with client.stream("GET", url, headers=headers) as stream:
            assert stream.status_code == 200
            with anyio.fail_after(10):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(end, server)
                    async for _ in stream.aiter_bytes():  # raises where the end is missing
                        pass

    assert server.app.state.draining.streams == 0


async def test_a_socket_is_told_that_the_server_ends(settings: Settings) -> None:
    async with served(settings) as server, connect(server.socket_url) as socket:
        await end(server)
        with anyio.fail_after(10), pytest.raises(ConnectionClosed) as ended:
            await socket.recv()

    assert ended.value.rcvd is not None
    assert ended.value.rcvd.code == 1012
