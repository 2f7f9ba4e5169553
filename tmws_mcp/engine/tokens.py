"""Tokens of the HTTP surface: made, listed, revoked, recognised, and what is written with them."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from tmws_mcp.errors import NotFound
from tmws_mcp.model.access import (
    PERMISSIONS,
    Access,
    AuditEntry,
    NewToken,
    TokenInfo,
    TokenRequest,
)
from tmws_mcp.model.problems import validated
from tmws_mcp.store import tokens as table
from tmws_mcp.store.database import Database

FORM = re.compile(r"tmws_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
ID_BYTES, SECRET_BYTES = 6, 32
USE_NOTED_SECONDS = 60
"""A token's last use is written down no more often."""
AUDIT_SHOWN_MAX = 1_000


class Tokens:
    """The engine's tokens; `engine.tokens` is one."""

    def __init__(
        self, *, store: Callable[[], Awaitable[Database]], clock: Callable[[], float]
    ) -> None:
        self._store, self._clock = store, clock

    async def create(self, request: TokenRequest | Mapping[str, Any]) -> NewToken:
        """Make a token; what the client sends is told this once, and kept nowhere."""
        asked, store = validated(TokenRequest, request), await self._store()
        name = secrets.token_hex(ID_BYTES)
        secret = f"tmws_{name}_{secrets.token_urlsafe(SECRET_BYTES)}"
        row = table.Row(
            id=name,
            name=asked.name,
            digest=_digest(secret),
            permissions=" ".join(asked.permissions),
            namespaces=" ".join(asked.namespaces),
            per_minute=asked.per_minute,
            created_at=self._clock(),
            expires_at=asked.expires_at.timestamp() if asked.expires_at else None,
        )
        await store.write(table.add, row)
        return NewToken(**_info(row).model_dump(), secret=secret)

    async def listed(self) -> tuple[TokenInfo, ...]:
        """Return all tokens, the oldest first."""
        return tuple(map(_info, await (await self._store()).read(table.listed)))

    async def any_good(self) -> bool:
        """Say whether there is a token that can be used."""
        rows, now = await (await self._store()).read(table.listed), self._clock()
        return any(row.is_good(now) for row in rows)

    async def revoke(self, name: str) -> TokenInfo:
        """Revoke a token: the next request with it is refused.

        Raises:
            NotFound: There is no such token, or it was revoked before.
        """
        store = await self._store()
        if not await store.write(table.revoke, name, self._clock()):
            raise NotFound("usable token", name, remedy="`tmws-mcp token list` lists them.")
        row = await store.read(table.find, name)
        assert row is not None
        return _info(row)

    async def access(self, secret: str) -> Access | None:
        """Return what a token allows; None for one that is unknown, revoked or expired."""
        if not (found := FORM.fullmatch(secret)):
            return None
        store, now = await self._store(), self._clock()
        row = await store.read(table.find, found[1])
        if row is None or not hmac.compare_digest(row.digest, _digest(secret)):
            return None
        if not row.is_good(now):
            return None
        if now - (row.used_at or 0) > USE_NOTED_SECONDS:
            await store.write(table.note_use, row.id, now)
        return _access(row)

    async def is_good(self, name: str) -> bool:
        """Say whether the token with this id may still be used: for what goes on for long."""
        row = await (await self._store()).read(table.find, name)
        return row is not None and row.is_good(self._clock())

    async def audit(self, access: Access, action: str, namespace: str, outcome: str) -> None:
        """Write down that something was written with a token, or tried."""
        entry = table.Audited(self._clock(), access.token, action, namespace, outcome)
        await (await self._store()).write(table.audit, entry)

    async def audited(self, token: str = "", *, limit: int = 50) -> tuple[AuditEntry, ...]:
        """Return the newest writes with one token, or with all."""
        store = await self._store()
        names = {row.id: row.name for row in await store.read(table.listed)}
        rows = await store.read(table.audited, token, min(limit, AUDIT_SHOWN_MAX))
        return tuple(
            AuditEntry(
                at=_moment(row.at) or "",
                token=row.token,
                name=names.get(row.token, ""),
                action=row.action,
                namespace=row.namespace,
                outcome=row.outcome,
            )
            for row in rows
        )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _access(row: table.Row) -> Access:
    return Access(
        token=row.id,
        permissions=tuple(one for one in PERMISSIONS if one in row.permissions.split()),
        namespaces=tuple(row.namespaces.split()),
        per_minute=row.per_minute,
    )


def _info(row: table.Row) -> TokenInfo:
    return TokenInfo(
        **_access(row).model_dump(),
        name=row.name,
        created_at=_moment(row.created_at) or "",
        expires_at=_moment(row.expires_at),
        revoked_at=_moment(row.revoked_at),
        used_at=_moment(row.used_at),
    )


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
