"""What is noted of each request: a line in the log, and figures. Never what was asked or said.

The route is noted and not the path, the latter may hold a name that somebody made up; neither are
queries, headers or bodies, which hold tokens and texts.
"""

import time
from typing import TYPE_CHECKING

from tmws_mcp.measures import Measures
from tmws_mcp.telemetry import get_logger

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

OTHER = "other"
"""Of requests that no route was found for: anybody can make up paths."""
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
CLIENT_CLOSED = 499
"""The client went before it was answered (nginx's number for it)."""
SOCKET_OPENED = 101

log = get_logger("web")


class Noted:
    """Middleware: notes each request once it is over."""

    def __init__(self, app: "ASGIApp", measures: Measures) -> None:
        self._app, self._measures = app, measures

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve a request and note it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        began, status, size = time.perf_counter(), CLIENT_CLOSED, 0

        async def noting(message: "Message") -> None:
            nonlocal status, size
            if message["type"] == "websocket.accept":
                status = SOCKET_OPENED
            else:
                status = message.get("status", status)
            size += len(message.get("body", b"")) + len(message.get("text", ""))
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            self._note(scope, status, size, time.perf_counter() - began)

    def _note(self, scope: "Scope", status: int, size: int, took: float) -> None:
        method, route = method_of(scope), route_of(scope)
        if scope["type"] == "http":  # a socket is open for hours, which says nothing
            told = {"method": method, "route": route, "status": str(status)}
            self._measures.time("http_request", took, **told)
        self._measures.count("http_response_bytes", size, route=route)
        duration_ms = round(took * 1000, 1)
        log.info(
            "request.served",
            method=method, route=route, status=status, bytes=size, duration_ms=duration_ms,
        )  # fmt: skip


def route_of(scope: "Scope") -> str:
    """Return the path of the route that served, with its parameters by name."""
    return str(getattr(scope.get("route"), "path", OTHER))


def method_of(scope: "Scope") -> str:
    """Return the method of a request."""
    method = scope.get("method", "SOCKET")
    return method if method in METHODS or scope["type"] == "websocket" else OTHER
