"""A server behind streamable HTTP, on a real port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
import uvicorn
from mcp.server.mcpserver import MCPServer

from tests.actions.upstream.conftest import Opened
from tmws_mcp.errors import ActionError, ToolUnreachable

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def served(*, json_response: bool) -> AsyncIterator[str]:
    """Serve tools at a URL for as long as the block runs."""
    server = MCPServer("elsewhere", version="1")
    server.add_tool(lambda city: {"city": city}, name="weather", description="Tell it.")
    server.add_tool(lambda size: "x" * int(size), name="large", description="Say much.")
    app = server.streamable_http_app(json_response=json_response)
    web = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(web.serve)
        while not web.started:
            await anyio.sleep(0.01)
        port = web.servers[0].sockets[0].getsockname()[1]
        try:
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            web.should_exit = web.force_exit = True


async def test_a_server_at_a_url_is_called(opened: Opened) -> None:
    async with served(json_response=False) as url, opened({"web": {"url": url}}) as upstream:
        found = await upstream.call("weather", {"city": "Rome"})

    assert found == {"tool": "web.weather", "answered": {"city": "Rome"}}


@pytest.mark.parametrize("json_response", [True, False])
async def test_a_reply_that_is_too_long_is_not_taken_in(
    opened: Opened, *, json_response: bool
) -> None:
    async with (
        served(json_response=json_response) as url,
        opened({"web": {"url": url}}, call_seconds=10) as upstream,
    ):
        with pytest.raises(ActionError):
            await upstream.call("large", {"size": "9000000"})

        assert await upstream.call("weather", {"city": "Rome"})


async def test_a_url_where_nobody_answers_is_unreachable(opened: Opened) -> None:
    async with opened({"web": {"url": "http://127.0.0.1:9/mcp"}}) as upstream:
        with pytest.raises(ToolUnreachable, match="server web cannot be reached"):
            await upstream.call("web.weather", {})
