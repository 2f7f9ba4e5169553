"""What a caller may do, and where: what a token stands for."""

from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints

from tmws_mcp.model.base import Moment, Name, Namespace, Request, Value

PER_MINUTE_MAX = 100_000
TOKEN_NAMESPACES_MAX = 100

Permission = Literal["read", "write", "admin"]
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)


class Access(Value):
    """Who calls, and what is allowed."""

    token: str
    """The token's id, never the token."""
    permissions: tuple[Permission, ...] = PERMISSIONS
    namespaces: tuple[Namespace, ...] = ()
    """The first is that of calls that name none; empty: all."""
    per_minute: int = 0
    """Requests; 0: as many as the settings allow."""


class TokenRequest(Request):
    """A token to be made."""

    name: Annotated[Name, StringConstraints(min_length=1)]
    permissions: Annotated[tuple[Permission, ...], Field(min_length=1, max_length=3)] = ("read",)
    namespaces: Annotated[tuple[Namespace, ...], Field(max_length=TOKEN_NAMESPACES_MAX)] = ()
    per_minute: Annotated[int, Field(ge=0, le=PER_MINUTE_MAX)] = 0
    expires_at: Moment | None = None


class TokenInfo(Access):
    """A token as it is listed."""

    name: str
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None
    used_at: str | None = None
    """When it was used last, to within a minute."""


class NewToken(TokenInfo):
    """A token that was just made."""

    secret: str = Field(repr=False)
    """What the client sends; it is told this once."""


class AuditEntry(Value):
    """A write that was made, or tried, with a token."""

    at: str
    token: str
    name: str
    """Of the token."""
    action: str
    """The tool, or the route's method and path."""
    namespace: str
    outcome: str
    """`ok`, or the name of the error."""
