"""MCP over HTTP: streamable HTTP at /mcp for clients of both protocol eras, SSE where enabled."""

from contextlib import AbstractAsyncContextManager
from typing import Any

from mcp.server.mcpserver import MCPServer
from starlette.routing import BaseRoute

from tmws_mcp.settings import Settings
from tmws_mcp.web.bodies import BODY_BYTES_MAX
from tmws_mcp.web.reach import Reach


class McpEndpoint:
    """The routes of an MCP server, and what runs behind them."""

    def __init__(self, server: MCPServer[Any], settings: Settings, reach: Reach) -> None:
        self.server = server
        security = reach.security()
        self.routes: list[BaseRoute] = list(
            server.streamable_http_app(
                max_request_body_size=BODY_BYTES_MAX,
                transport_security=security,
                # A session would be known to one process of several, and each request goes to any.
                stateless_http=settings.http_workers > 1,
                max_sessions=settings.http_sessions_max,
                session_idle_timeout=settings.http_session_idle_seconds,
            ).routes
        )
        self.routes_of_sse: list[BaseRoute] = (
            list(server.sse_app(transport_security=security).routes) if settings.http_sse else []
        )

    def running(self) -> AbstractAsyncContextManager[None]:
        """Serve sessions for as long as the block runs."""
        return self.server.session_manager.run()
