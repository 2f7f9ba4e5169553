"""Leases: which of several processes does the background work on a store.

A lease lapses by itself, so that the death of its owner needs no notice: another process takes it
over within LEASE_SECONDS.
"""

from tmws_mcp.store.driver import Connection

LEASE_SECONDS = 15.0


def acquire(db: Connection, name: str, owner: str, now: float) -> bool:
    """Take or renew the lease; False where another process holds it."""
    changed = db.run(
        "INSERT INTO lease VALUES (:name, :owner, :until) ON CONFLICT(name) DO UPDATE "
        "SET owner = :owner, expires_at = :until WHERE owner = :owner OR expires_at <= :now",
        {"name": name, "owner": owner, "until": now + LEASE_SECONDS, "now": now},
    )
    return changed == 1


def is_held(db: Connection, name: str, now: float) -> bool:
    """Whether any process holds the lease."""
    return db.row("SELECT 1 FROM lease WHERE name = ? AND expires_at > ?", (name, now)) is not None


def release(db: Connection, name: str, owner: str) -> None:
    """Give the lease back, if this process holds it."""
    db.run("DELETE FROM lease WHERE name = ? AND owner = ?", (name, owner))
