"""Bearer tokens: who asks, how often they may, and that nobody else gets in."""

import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

import anyio
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend
from mcp.server.auth.provider import AccessToken, TokenVerifier
from starlette.requests import HTTPConnection
from starlette.responses import Response

from tmws_mcp.errors import TmwsError, TooOften
from tmws_mcp.model.access import Access
from tmws_mcp.server.access import Bearer, access_of
from tmws_mcp.telemetry import get_logger
from tmws_mcp.web.problems import problem, problem_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from tmws_mcp.engine.tokens import Tokens
    from tmws_mcp.server.connection import SharedEngine

PUBLIC = frozenset({"/docs", "/openapi.json", "/health/live", "/health/ready"})
"""What tells of the product alone, and whether it lives."""
CALLERS_MAX = 10_000
"""Callers whose rate is kept in mind; the one that asked longest ago leaves first."""
MINUTE_SECONDS = 60.0
ASKED_AGAIN_SECONDS = 5.0
"""A token is looked at so often while something is open in its name: it may be revoked, or end."""

log = get_logger("web")


class Verifier(TokenVerifier):
    """Recognises tokens by the store, at each request: a revoked one is refused at once."""

    def __init__(self, engine: "SharedEngine") -> None:
        self._engine = engine

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what a token allows, None for one that allows nothing."""
        access = await (await self._engine.opened()).tokens.access(token)
        if access is None:
            return None
        scopes = list(map(str, access.permissions))
        return Bearer(token="", client_id=access.token, scopes=scopes, access=access)


async def until_refused(tokens: "Tokens", name: str) -> None:
    """Wait until a token is good no more."""
    while await tokens.is_good(name):  # noqa: ASYNC110 - other processes revoke it
        await anyio.sleep(ASKED_AGAIN_SECONDS)


class UntilRefused:
    """Waits until the token is refused with which a request was made."""

    def __init__(self, engine: "SharedEngine") -> None:
        self._engine = engine

    async def __call__(self, scope: "Scope") -> None:
        """Return once it is, or once that cannot be told any more."""
        access = access_of(HTTPConnection(scope))
        assert access is not None
        try:
            await until_refused((await self._engine.opened()).tokens, access.token)
        except TmwsError as error:
            log.warning("token.not_looked_at", token=access.token, error=type(error).__name__)


class Rates:
    """How often each caller may ask: as many requests as in a minute at once, then evenly."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute, self._clock = per_minute, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, access: Access) -> None:
        """Count a request.

        Raises:
            TooOften: It is one too many.
        """
        if not (most := access.per_minute or self._per_minute):
            return
        now = self._clock()
        left, at = self._left.pop(access.token, (float(most), now))
        left = min(float(most), left + (now - at) * most / MINUTE_SECONDS)
        self._left[access.token] = (max(left - 1, 0.0) if left >= 1 else left, now)
        while len(self._left) > CALLERS_MAX:
            self._left.popitem(last=False)
        if left < 1:
            raise TooOften(most, (1 - left) * MINUTE_SECONDS / most)


class OnlyWithToken:
    """Middleware: refuses who has no good token, and who asks too often with one."""

    def __init__(self, app: "ASGIApp", verifier: TokenVerifier, rates: Rates) -> None:
        self._app, self._rates = app, rates
        self._backend = BearerAuthBackend(verifier)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve a request, or refuse it."""
        refused = await self._refused(scope) if scope["type"] != "lifespan" else None
        await (refused or self._app)(scope, receive, send)

    async def _refused(self, scope: "Scope") -> Response | None:
        if scope["path"] in PUBLIC:
            return None
        try:
            found = await self._backend.authenticate(HTTPConnection(scope))
            if found is None:
                return _unauthorized()
            scope["auth"], scope["user"] = found
            access = access_of(HTTPConnection(scope))
            assert access is not None
            self._rates.take(access)
        except TmwsError as error:
            return problem_of(error)
        return None


def _unauthorized() -> Response:
    detail = (
        "Send a token as `Authorization: Bearer TOKEN`. Whoever runs the server makes one: "
        "tmws-mcp token create NAME."
    )
    told = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return problem(HTTPStatus.UNAUTHORIZED, "Unauthorized", detail, told)
