"""Tokens of the HTTP surface, and the log of what was written with them."""

from dataclasses import dataclass

from tmws_mcp.errors import InvalidInput
from tmws_mcp.store.driver import Connection

TOKENS_MAX = 1_000
AUDITED_MAX = 100_000
"""Writes that are kept; older ones leave."""
COLUMNS = (
    "id, name, digest, permissions, namespaces, per_minute, "
    "created_at, expires_at, revoked_at, used_at"
)


@dataclass(frozen=True, slots=True)
class Row:
    """A token."""

    id: str
    name: str
    digest: bytes
    permissions: str
    """Divided by spaces, like the namespaces."""
    namespaces: str
    per_minute: int
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    used_at: float | None = None

    def is_good(self, now: float) -> bool:
        """Say whether it may still be used."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class Audited:
    """A write that was made, or tried, with a token."""

    at: float
    token: str
    action: str
    namespace: str
    outcome: str


def add(db: Connection, row: Row) -> None:
    """Keep a token; where there is no room, those that were revoked leave.

    Raises:
        InvalidInput: There are TOKENS_MAX of them that were not revoked.
    """
    if _count(db) >= TOKENS_MAX:
        db.run("DELETE FROM token WHERE revoked_at IS NOT NULL")
    if _count(db) >= TOKENS_MAX:
        raise InvalidInput(
            f"There are {TOKENS_MAX:,} tokens. Revoke some with `tmws-mcp token revoke ID`."
        )
    db.run(
        f"INSERT INTO token({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            row.id, row.name, row.digest, row.permissions, row.namespaces, row.per_minute,
            row.created_at, row.expires_at, row.revoked_at, row.used_at,
        ),
    )  # fmt: skip


def _count(db: Connection) -> int:
    row = db.row("SELECT count(*) FROM token")
    assert row is not None
    return int(row[0])


def find(db: Connection, name: str) -> Row | None:
    """Return the token with this id."""
    row = db.row(f"SELECT {COLUMNS} FROM token WHERE id = ?", (name,))
    return Row(*row) if row else None


def listed(db: Connection) -> list[Row]:
    """Return all tokens, the oldest first."""
    return [Row(*row) for row in db.rows(f"SELECT {COLUMNS} FROM token ORDER BY created_at, id")]


def revoke(db: Connection, name: str, now: float) -> bool:
    """Revoke a token; False where there is none, or it was revoked before."""
    done = db.run(
        "UPDATE token SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (now, name)
    )
    return bool(done)


def note_use(db: Connection, name: str, now: float) -> None:
    """Note when a token was used."""
    db.run("UPDATE token SET used_at = ? WHERE id = ?", (now, name))


def audit(db: Connection, entry: Audited) -> None:
    """Add a line to the log; the oldest beyond AUDITED_MAX leave."""
    db.run(
        "INSERT INTO audit(at, token, action, namespace, outcome) VALUES (?, ?, ?, ?, ?)",
        (entry.at, entry.token, entry.action, entry.namespace, entry.outcome),
    )
    db.run("DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?", (AUDITED_MAX,))


def audited(db: Connection, token: str, limit: int) -> list[Audited]:
    """Return the newest lines of the log, of one token or (empty) of all."""
    rows = db.rows(
        "SELECT at, token, action, namespace, outcome FROM audit "
        "WHERE ? IN ('', token) ORDER BY id DESC LIMIT ?",
        (token, limit),
    )
    return [Audited(*row) for row in rows]
