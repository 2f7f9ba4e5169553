"""The least that an MCP server on the SDK can be: one tool. Ours is measured against it."""

import socket
import sys

import anyio
import uvicorn
from mcp.server import MCPServer

server = MCPServer("bare", version="1", log_level="ERROR")


@server.tool()
def echo(text: str) -> str:
    """Return the text."""
    return text


async def over_http() -> None:
    """Serve streamable HTTP on a free port, as the SDK does by itself, without an access log."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(server.streamable_http_app(), log_config=None, access_log=False)
        print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", file=sys.stderr, flush=True)
        await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    if sys.argv[1:] == ["http"]:
        anyio.run(over_http)
    else:
        server.run("stdio")
