"""Is this process alive, and can it do its work? For whoever starts it and sends it requests.

Both tell no more than that: they are asked without a token.
"""

import time
from typing import Annotated

import anyio
from fastapi import APIRouter, Depends, Request, Response

from tmws_mcp.errors import TmwsError
from tmws_mcp.model import Value
from tmws_mcp.web.draining import Draining
from tmws_mcp.web.problems import Problem, problem, status_of

PROBE_SECONDS = 1.0
"""The store is probed so often at most, however many ask."""
UNAVAILABLE = 503

router = APIRouter(prefix="/health", tags=["health"])


class Alive(Value):
    """The process answers."""

    status: str = "alive"


class Ready(Value):
    """The store was written to."""

    status: str = "ready"
    store_ms: float
    """How long that took."""


class Readiness:
    """Whether the store can be written, as it was a moment ago at most."""

    def __init__(self) -> None:
        self._lock = anyio.Lock()
        self._probed_at = float("-inf")
        self._found: Ready | TmwsError | None = None

    async def of(self, request: Request) -> Ready | TmwsError:
        """Write to the store, unless somebody has just done so."""
        async with self._lock:
            if self._found is None or time.monotonic() - self._probed_at >= PROBE_SECONDS:
                self._found = await _probed(request)
                self._probed_at = time.monotonic()
            return self._found


async def _probed(request: Request) -> Ready | TmwsError:
    try:
        engine = await request.app.state.engine.get()
        return Ready(store_ms=round(await engine.probe() * 1000, 2))
    except TmwsError as error:
        return error


async def _readiness(request: Request) -> Ready | TmwsError:
    readiness: Readiness = request.app.state.readiness
    return await readiness.of(request)


@router.get("/live")
async def live() -> Alive:
    """Say that the process answers."""
    return Alive()


@router.get("/ready", response_model=Ready, responses={UNAVAILABLE: {"model": Problem}})
async def ready(
    request: Request, found: Annotated[Ready | TmwsError, Depends(_readiness)]
) -> Ready | Response:
    """Say whether the store can be written, and whether this process is not about to end."""
    draining: Draining = request.app.state.draining
    if draining.begun:
        return problem(UNAVAILABLE, "Ending", "This process is ending; ask another one.")
    if isinstance(found, TmwsError):
        # Its message names the file; who asks without a token need not know.
        return problem(status_of(found), type(found).__name__, "The server's log has the details.")
    return found
