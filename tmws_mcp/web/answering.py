"""How every REST route answers: for whom its token allows it, within the limits of calls.

A route says by `answers` what it replies and what a token has to allow; without it there is no
route. Whatever writes is written to the audit log.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import pydantic_core
from fastapi import Depends, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import StreamingResponse

from tmws_mcp.engine import Engine
from tmws_mcp.errors import InvalidInput
from tmws_mcp.model import Namespace, Value
from tmws_mcp.model.access import Permission
from tmws_mcp.model.problems import unknown
from tmws_mcp.server.access import access_of, audited, require
from tmws_mcp.server.entries import facts
from tmws_mcp.server.guard import check_size
from tmws_mcp.web.problems import Problem

Handler = Callable[[Request], Awaitable[Response]]
API = "/api/v1"
LINES = "application/jsonl"
ACTION_CHARS_MAX = 200
NEEDS, EVERYWHERE = "x-needs", "x-everywhere"
"""What OpenAPI tells of a route's permission."""

T = TypeVar("T", bound=Value)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks a REST route."""

    engine: Engine
    """As this caller may see it."""
    connection: str
    """Its implicit session is kept under it."""
    client: str = "rest"


async def _caller(request: Request) -> Caller:
    engine, access = await request.app.state.engine.opened(), access_of(request)
    if access is None:
        return Caller(engine, "rest")
    return Caller(engine.seen_by(access), f"rest-{access.token}", f"rest {access.token}")


Calling = Annotated[Caller, Depends(_caller)]
Where = Annotated[Namespace, Query(description="Default: the first of the token's, or ours")]


class Items(Value, Generic[T]):
    """A list, as an object that can be told more later."""

    items: tuple[T, ...]


class EngineRoute(APIRoute):
    """A route whose calls take their turn with those of the MCP tools."""

    def get_route_handler(self) -> Handler:  # type: ignore[override]
        """Return the handler of a request."""
        answer, told = super().get_route_handler(), self.openapi_extra or {}
        needs, everywhere = told[NEEDS], EVERYWHERE in told
        allowed = tuple(one.alias for one in self.dependant.query_params)

        async def bounded(request: Request) -> Response:
            access = access_of(request)
            require(access, needs, everywhere=everywhere)
            _only(allowed, request.query_params)
            namespace = await _checked(request)
            async with request.app.state.limits.turn():
                if needs == "read" or access is None:
                    return await answer(request)
                caller = await _caller(request)
                action = f"{request.method} {request.url.path}"[:ACTION_CHARS_MAX]
                async with audited(caller.engine, access, action, namespace):
                    return await answer(request)

        return bounded


def _only(allowed: tuple[str, ...], sent: Iterable[str]) -> None:
    """Refuse an argument that would be passed over: whoever misspells a filter gets everything.

    Raises:
        InvalidInput: It names the argument.
    """
    for name in sent:
        if name not in allowed:
            raise InvalidInput(unknown(name, allowed))


async def _checked(request: Request) -> str:
    """Return the namespace that a request names, once its size was looked at."""
    named = request.query_params.get("namespace", "")
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        return named  # there is none, or FastAPI says what is wrong with it
    if not isinstance(body, Mapping):
        return named
    check_size(body)
    return str(body.get("namespace") or named)


class Reply(Response):
    """A value as the structured part of a tool's reply has it: without what does not apply."""

    media_type = "application/json"

    def __init__(self, value: BaseModel, status_code: int = 200) -> None:
        super().__init__(pydantic_core.to_json(facts(value)), status_code)


def listed(items: Iterable[Value]) -> Reply:
    """Return a list of values."""
    return Reply(Items[Value](items=tuple(items)))


def answers(
    reply: Any, needs: Permission, *, everywhere: bool = False, status: int = 200
) -> dict[str, Any]:
    """Return what a route is declared with: its reply, its errors, and what it needs.

    `everywhere`: it concerns all namespaces, so that a token for some of them will not do.
    """
    told: dict[str, Any] = {NEEDS: needs}
    if everywhere:
        told[EVERYWHERE] = True
    return {
        "response_model": reply,
        "status_code": status,
        "responses": {"default": {"model": Problem, "description": "What went wrong"}},
        "openapi_extra": told,
    }


def lines(needs: Permission) -> dict[str, Any]:
    """Return the same for a route that replies with lines of JSON, as many as there are."""
    told = answers(None, needs)
    text = {"description": "Lines of JSON", "content": {LINES: {"schema": {"type": "string"}}}}
    told["responses"] = {200: text, **told["responses"]}
    return {**told, "response_class": StreamingResponse}
