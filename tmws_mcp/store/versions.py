"""Versions, forgetting, bringing back, erasing: the life of a row after it was written.

`superseded_by` leads from each version to the one that replaced it. A memory and the older versions
behind it live and die together: those are found by no query, so that nobody would think of them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tmws_mcp.store.driver import Connection

# However long the chain is: an end left behind would be kept for ever. UNION ends at a circle.
OLDER = (
    "WITH RECURSIVE chain(id) AS (SELECT value FROM json_each(:keys) UNION "
    "SELECT o.id FROM chain c CROSS JOIN memory o ON o.superseded_by = c.id) "
)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A memory that can be brought back."""

    id: int
    uid: str
    forgotten_at: float
    content_hash: bytes


def supersede(db: Connection, older: int, newer: int) -> None:
    """Note that a memory was replaced by another."""
    db.run("UPDATE memory SET superseded_by = ? WHERE id = ?", (newer, older))


def newer(db: Connection, memory: int) -> str | None:
    """Return the public id of the version that replaced a memory."""
    row = db.row(
        "SELECT n.uid FROM memory m JOIN memory n ON n.id = m.superseded_by WHERE m.id = ?",
        (memory,),
    )
    return str(row[0]) if row else None


def with_older(db: Connection, keys: Sequence[int]) -> list[int]:
    """Return memories and all older versions of them that are not forgotten."""
    rows = db.rows(
        f"{OLDER} SELECT DISTINCT m.id FROM chain c CROSS JOIN memory m ON m.id = c.id "
        "WHERE m.forgotten_at IS NULL ORDER BY m.id",
        {"keys": json.dumps(keys)},
    )
    return [row[0] for row in rows]


def forget(db: Connection, keys: Sequence[int], now: float) -> None:
    """Note that memories are forgotten."""
    db.run(
        "UPDATE memory SET forgotten_at = ? WHERE id IN (SELECT value FROM json_each(?))",
        (now, json.dumps(keys)),
    )


def forgotten(db: Connection, ns: int, uids: Sequence[str], since: float) -> list[Forgotten]:
    """Return memories of a namespace that were forgotten no earlier than `since`."""
    rows = db.rows(
        "SELECT m.id, m.uid, m.forgotten_at, m.content_hash FROM json_each(:uids) j "
        "CROSS JOIN memory m ON m.uid = j.value WHERE m.ns = :ns AND m.forgotten_at >= :since",
        {"uids": json.dumps(uids), "ns": ns, "since": since},
    )
    return [Forgotten(*row) for row in rows]


def forgotten_with(db: Connection, memory: Forgotten) -> list[int]:
    """Return a forgotten memory and the older versions that were forgotten in the same call."""
    rows = db.rows(
        f"{OLDER} SELECT DISTINCT m.id FROM chain c CROSS JOIN memory m ON m.id = c.id "
        "WHERE m.forgotten_at = :at ORDER BY m.id",
        {"keys": json.dumps([memory.id]), "at": memory.forgotten_at},
    )
    return [row[0] for row in rows]


def restore(db: Connection, keys: Sequence[int]) -> None:
    """Bring memories back; one whose newer version is still forgotten is the newest again."""
    wanted = (json.dumps(keys),)
    db.run(
        "UPDATE memory SET forgotten_at = NULL WHERE id IN (SELECT value FROM json_each(?))", wanted
    )
    db.run(
        "UPDATE memory SET superseded_by = NULL WHERE id IN (SELECT value FROM json_each(?)) "
        "AND superseded_by IN (SELECT id FROM memory WHERE forgotten_at IS NOT NULL)",
        wanted,
    )
    db.run(
        "DELETE FROM archived WHERE memory IN (SELECT m.id FROM json_each(?) j "
        "CROSS JOIN memory m ON m.id = j.value WHERE m.superseded_by IS NULL)",
        wanted,
    )


def due(db: Connection, before: float, limit: int, *, with_vectors: bool) -> list[tuple[int, int]]:
    """Return (key, namespace) of memories forgotten before then, oldest first.

    Without sqlite-vec those stay out that still have a vector: it could not be erased.
    """
    return db.rows(
        "SELECT m.id, m.ns FROM memory m WHERE m.forgotten_at < :before "
        "AND (:with_vectors OR m.embedder IS NULL) ORDER BY m.forgotten_at LIMIT :limit",
        {"before": before, "with_vectors": int(with_vectors), "limit": limit},
    )


def lapsed(db: Connection, before: float, limit: int) -> list[tuple[int, int]]:
    """Return (key, namespace) of memories that expired before then, oldest first."""
    return db.rows(
        "SELECT m.id, m.ns FROM memory m WHERE m.expires_at < ? AND m.forgotten_at IS NULL "
        "ORDER BY m.expires_at LIMIT ?",
        (before, limit),
    )


def expired(db: Connection, ns: int, now: float, limit: int) -> list[int]:
    """Return a namespace's memories that have expired and are still there, the latest first."""
    rows = db.rows(
        "SELECT m.id FROM memory m WHERE m.ns = ? AND m.expires_at <= ? "
        "AND m.forgotten_at IS NULL AND m.superseded_by IS NULL "
        "ORDER BY m.expires_at DESC LIMIT ?",
        (ns, now, limit),
    )
    return [row[0] for row in rows]


def expire_at(db: Connection, memory: int, when: float | None) -> None:
    """Say when a memory expires; None: never."""
    db.run("UPDATE memory SET expires_at = ? WHERE id = ?", (when, memory))


def head_of(db: Connection, keys: Sequence[int]) -> list[int]:
    """Return those of the memories that nothing newer replaces."""
    rows = db.rows(
        "SELECT m.id FROM json_each(?) j CROSS JOIN memory m ON m.id = j.value "
        "WHERE m.superseded_by IS NULL OR m.superseded_by = m.id",
        (json.dumps(keys),),
    )
    return [row[0] for row in rows]


def erase(db: Connection, keys: Sequence[int]) -> None:
    """Delete memories for good; chains close over the gap, and empty threads go with them."""
    wanted = (json.dumps(keys),)
    for (key,) in db.rows("SELECT value FROM json_each(?)", wanted):
        db.run(
            "UPDATE memory SET superseded_by = "
            "(SELECT superseded_by FROM memory WHERE id = :key) WHERE superseded_by = :key",
            {"key": key},
        )
    threads = db.rows(
        "SELECT DISTINCT m.thread FROM json_each(?) j CROSS JOIN memory m ON m.id = j.value "
        "WHERE m.thread IS NOT NULL",
        wanted,
    )
    db.run("DELETE FROM memory WHERE id IN (SELECT value FROM json_each(?))", wanted)
    db.run_many(
        "DELETE FROM thread WHERE id = ? "
        "AND NOT EXISTS (SELECT 1 FROM memory m WHERE m.thread = thread.id)",
        threads,
    )


def next_end(db: Connection, ns: int, now: float) -> float | None:
    """Return when the next memory of a namespace expires; None where none does."""
    row = db.row(
        "SELECT min(expires_at) FROM memory INDEXED BY memory_expiring "
        "WHERE ns = ? AND expires_at > ?",
        (ns, now),
    )
    return row[0] if row else None
