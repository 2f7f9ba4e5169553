"""Who makes a request, where the transport asked for a token, and what that allows.

The SDK hands no request to the functions of static resources, so that the caller is noted for as
long as a request is at work; `SharedEngine.get` gives each caller the engine as it may see it.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_REQUEST

from tmws_mcp.errors import NotAllowed, TmwsError
from tmws_mcp.model.access import Access, Permission
from tmws_mcp.telemetry import get_logger

if TYPE_CHECKING:
    from tmws_mcp.engine import Engine

READING = frozenset({"resources/read", "completion/complete"})
"""What reads from the store, beside tools, which say so themselves."""

log = get_logger("server")

_caller: ContextVar[Access | None] = ContextVar("tmws_mcp_caller", default=None)


class Connection(Protocol):
    """What is read of an HTTP request, or of a WebSocket."""

    @property
    def scope(self) -> Any:
        """What its middleware has put down about it."""


class Bearer(AccessToken):
    """A token of ours as the SDK carries it."""

    access: Access


def caller_access() -> Access | None:
    """Return what the caller of the request at work may do; None: nobody asked for a token."""
    return _caller.get()


def access_of(request: Connection | None) -> Access | None:
    """Return what the caller of an HTTP request may do, as its token was found to say."""
    user = request.scope.get("user") if request is not None else None
    if not isinstance(user, AuthenticatedUser):
        return None
    assert isinstance(user.access_token, Bearer)
    return user.access_token.access


async def noting_the_caller(
    ctx: ServerRequestContext[Any, Any], call_next: CallNext
) -> HandlerResult:
    """Middleware: note who asks for as long as the request is at work."""
    access = access_of(ctx.request)
    before = _caller.set(access)
    try:
        if ctx.method in READING:
            require(access, "read")
        return await call_next(ctx)
    except NotAllowed as error:
        raise MCPError(code=INVALID_REQUEST, message=str(error)) from error
    finally:
        _caller.reset(before)


def require(access: Access | None, permission: Permission, *, everywhere: bool = False) -> None:
    """Refuse a caller whose token does not allow this; `everywhere`: it concerns all namespaces.

    Raises:
        NotAllowed: The message says which token would do.
    """
    if access is None:
        return
    if permission not in access.permissions:
        raise NotAllowed(
            f"This needs a token that may {permission}; this one may "
            f"{', '.join(access.permissions)}. Whoever runs the server makes one: "
            f"tmws-mcp token create NAME --can {permission}."
        )
    if everywhere and access.namespaces:
        raise NotAllowed(
            "This concerns all namespaces, and this token is for "
            f"{', '.join(access.namespaces)} alone. Use one that was made without --namespace."
        )


def audited(
    engine: "Engine", access: Access | None, action: str, namespace: str
) -> AbstractAsyncContextManager[None]:
    """Write down how something that writes ended; without a token there is nobody to name."""
    return nullcontext() if access is None else _audited(engine, access, action, namespace)


@asynccontextmanager
async def _audited(
    engine: "Engine", access: Access, action: str, namespace: str
) -> AsyncIterator[None]:
    outcome, namespace = "ok", namespace or engine.settings.scope().namespace
    try:
        yield
    except BaseException as error:
        outcome = type(error).__name__
        raise
    finally:
        await _audit(engine, access, action, namespace, outcome)


async def _audit(
    engine: "Engine", access: Access, action: str, namespace: str, outcome: str
) -> None:
    """Write it down; what was written already must not be told as an error."""
    try:
        with anyio.CancelScope(shield=True):
            await engine.tokens.audit(access, action, namespace, outcome)
    except TmwsError as error:
        log.warning(
            "write.not_audited", token=access.token, action=action, error=type(error).__name__
        )
