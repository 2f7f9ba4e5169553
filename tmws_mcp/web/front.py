"""What every request passes before a route is looked for, and the short way of MCP.

FastAPI puts layers of its own around every route, for dependencies and files that MCP has not; on
the way of a call that is answered from memory they would cost as much as the answer.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Route

from tmws_mcp.web.problems import Api

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class FrontedApi(Api):
    """An application whose requests all pass `front` first."""

    front: "ASGIApp"

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve a request, a socket, or the application's life."""
        await self.front(scope, receive, send)

    async def routed(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve what has passed, by FastAPI's routes."""
        await super().__call__(scope, receive, send)


class ShortWay:
    """Serves some routes at once, and leaves all else to the application."""

    def __init__(self, app: "ASGIApp", routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._short = {route.path: route for route in routes if isinstance(route, Route)}

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve a request."""
        route = self._short.get(scope["path"]) if scope["type"] == "http" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = route  # which the log names
        await route.app(scope, receive, send)
