"""How every REST route answers: within the limits of calls, with the facts that tools give."""

from collections.abc import Awaitable, Callable
from typing import Any

import pydantic_core
from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from tmws_mcp.server.tools import facts
from tmws_mcp.web.problems import Problem

Handler = Callable[[Request], Awaitable[Response]]


class EngineRoute(APIRoute):
    """A route whose calls take their turn with those of the MCP tools."""

    def get_route_handler(self) -> Handler:  # type: ignore[override]
        """Return the handler of a request."""
        answer = super().get_route_handler()

        async def bounded(request: Request) -> Response:
            async with request.app.state.limits.turn():
                return await answer(request)

        return bounded


class Reply(Response):
    """A value as the structured part of a tool's reply has it: without what does not apply."""

    media_type = "application/json"

    def __init__(self, value: BaseModel, status_code: int = 200) -> None:
        super().__init__(pydantic_core.to_json(facts(value)), status_code)


def answers(reply: Any, status: int = 200) -> dict[str, Any]:
    """Return what OpenAPI is told of a route: the reply, and that errors are problems."""
    told = {"model": Problem, "description": "What went wrong"}
    return {"response_model": reply, "status_code": status, "responses": {"default": told}}
