"""One ASGI application for all that is served over HTTP.

To add a group of routes, write a module with a `router` and name it in `ROUTERS`.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.middleware.errors import ServerErrorMiddleware

from tmws_mcp import __version__
from tmws_mcp.server.app import build_server
from tmws_mcp.server.connection import SharedEngine
from tmws_mcp.server.guard import Limits
from tmws_mcp.settings import Settings
from tmws_mcp.web import docs, health, live, metrics, rest
from tmws_mcp.web.auth import OnlyWithToken, Rates, UntilRefused, Verifier
from tmws_mcp.web.bodies import BoundedBodies, TellsTooLarge
from tmws_mcp.web.draining import Draining, EndsStreams
from tmws_mcp.web.endpoint import McpEndpoint
from tmws_mcp.web.front import FrontedApi, ShortWay
from tmws_mcp.web.noting import Noted
from tmws_mcp.web.problems import add_problems, of_bug
from tmws_mcp.web.reach import OnlyKnownNames, Reach
from tmws_mcp.web.workers import Worker

if TYPE_CHECKING:
    from starlette.types import ASGIApp

ROUTERS: tuple[APIRouter, ...] = (
    rest.router,
    live.router,
    health.router,
    metrics.router,
    docs.router,
)

DESCRIPTION = (
    "What the MCP tools do, for programs that speak no MCP: the same requests, limits and errors. "
    "Errors are problem details (RFC 9457)."
)


def build_app(
    settings: Settings, reach: Reach, *, tokens: bool, worker: Worker | None = None
) -> FrontedApi:
    """Return the application; its lifespan opens what it needs, the engine with the first call.

    `tokens`: nobody gets in without one. `worker` says which it is of several processes.
    `app.state.engine` is the `SharedEngine`, `app.state.limits` what bounds calls at work.
    """
    engine = SharedEngine(settings)
    limits = Limits(calls_max=settings.calls_max, call_seconds_max=settings.call_seconds_max)
    mcp = McpEndpoint(build_server(settings, engine=engine, limits=limits), settings, reach)

    @asynccontextmanager
    async def lifespan(app: FrontedApi) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            # The engine stays open while clients come and go.
            await stack.enter_async_context(engine.connection())
            await stack.enter_async_context(mcp.running())
            await stack.enter_async_context(metrics.put_down(app))
            yield

    app = FrontedApi(
        title="tmws_mcp",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # they load scripts from elsewhere; ours is web/docs.py
        redoc_url=None,
        separate_input_output_schemas=False,
        redirect_slashes=False,
    )
    app.state.settings, app.state.engine, app.state.limits = settings, engine, limits
    _note_life(app, worker, mcp)
    app.router.routes.extend(mcp.routes_of_sse)
    for router in ROUTERS:
        app.include_router(router)
    add_problems(app)
    app.front = _front(app, reach, tokens=tokens)
    return app


def _front(app: FrontedApi, reach: Reach, *, tokens: bool) -> "ASGIApp":
    """Return what every request has to pass, the outermost last, with what serves it within."""
    engine: SharedEngine = app.state.engine
    front: ASGIApp = ShortWay(BoundedBodies(app.routed), app.state.mcp.routes)
    front = TellsTooLarge(front)
    until = UntilRefused(engine) if tokens else None
    front = EndsStreams(front, draining=app.state.draining, until=until)
    if tokens:
        rates = Rates(app.state.settings.http_per_minute)
        front = OnlyWithToken(front, verifier=Verifier(engine), rates=rates)
    front = OnlyKnownNames(front, reach=reach)
    front = Noted(front, measures=engine.measures)
    return ServerErrorMiddleware(front, handler=of_bug)


def _note_life(app: FrontedApi, worker: Worker | None, mcp: McpEndpoint) -> None:
    """Have the application know which process it is in, who watches it, and when it is to end."""
    app.state.worker, app.state.watching, app.state.mcp = worker, set(), mcp
    app.state.readiness, app.state.draining = health.Readiness(), Draining()
