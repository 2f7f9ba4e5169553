"""A bound on the body of every request, told as a problem like any other error.

The SDK bounds what is sent to MCP itself; REST gets the same bound around all of it.
"""

from http import HTTPStatus
from typing import TYPE_CHECKING

from mcp.server.transport_security import RequestBodyLimitMiddleware

from tmws_mcp.web.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_BYTES_MAX = 4 * 1024 * 1024
"""Of a request to any route; the SDK's own limit for MCP."""


class BoundedBodies(RequestBodyLimitMiddleware):
    """Middleware: refuses a larger body before anything of it is read into values."""

    def __init__(self, app: "ASGIApp") -> None:
        super().__init__(app, BODY_BYTES_MAX)


class TellsTooLarge:
    """Middleware: tells the SDK's refusal as a problem; it would be plain text without a type."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve a request, or say that it was refused."""
        refused = False

        async def sending(message: "Message") -> None:
            nonlocal refused
            refused = refused or _is_refusal(message)
            if not refused:
                await send(message)

        await self._app(scope, receive, sending)
        if refused:
            detail = f"A request has at most {BODY_BYTES_MAX:,} bytes. Split it into several."
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            await problem(status, "Too large", detail)(scope, receive, send)


def _is_refusal(message: "Message") -> bool:
    """Tell the SDK's own refusal: all that we say has a type."""
    is_refused = message.get("status") == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return is_refused and b"content-type" not in dict(message.get("headers", ()))
