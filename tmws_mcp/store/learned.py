"""The readable objects that stand behind the counts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tmws_mcp.model import JsonObject
from tmws_mcp.store.driver import Connection, Row

LEARNED_MAX = 5_000
PRUNED_EACH = 64
"""Counting costs a scan of an index, so that one in so many new ones pays for it (by its id)."""


@dataclass(frozen=True, slots=True)
class Learned:
    """A learned pattern's definition; its evidence lies in store/evidence.py."""

    id: str
    kind: str
    definition: JsonObject


def note(db: Connection, ns: int, learned: Learned, now: float) -> None:
    """Keep a learned pattern, or note that it was seen again."""
    seen = db.run(
        "UPDATE learned SET last_at = max(last_at, ?) WHERE ns = ? AND id = ?",
        (now, ns, learned.id),
    )
    if seen:
        return
    db.run(
        "INSERT INTO learned(ns, id, kind, definition, first_at, last_at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (ns, learned.id, learned.kind, json.dumps(learned.definition), now, now),
    )
    if int(learned.id, 16) % PRUNED_EACH == 0:
        prune(db, ns, LEARNED_MAX)


def prune(db: Connection, ns: int, learned_max: int) -> int:
    """Drop the learned patterns that were not seen for longest."""
    return db.run(
        "DELETE FROM learned WHERE (ns, id) IN (SELECT ns, id FROM learned WHERE ns = ? "
        "ORDER BY last_at DESC, id DESC LIMIT -1 OFFSET ?)",
        (ns, learned_max),
    )


def find(db: Connection, ns: int, pattern_id: str) -> Learned | None:
    """Return the learned pattern of that id, or None."""
    row = db.row(
        "SELECT id, kind, definition FROM learned WHERE ns = ? AND id = ?", (ns, pattern_id)
    )
    return _learned(row) if row else None


def known(db: Connection, ns: int, pattern_ids: Sequence[str]) -> frozenset[str]:
    """Return which of these learned patterns there are."""
    marks = ",".join("?" * len(pattern_ids))
    rows = db.rows(f"SELECT id FROM learned WHERE ns = ? AND id IN ({marks})", (ns, *pattern_ids))
    return frozenset(row[0] for row in rows)


def newest(db: Connection, ns: int, limit: int) -> tuple[Learned, ...]:
    """Return the learned patterns seen last, newest first."""
    rows = db.rows(
        "SELECT id, kind, definition FROM learned WHERE ns = ? "
        "ORDER BY last_at DESC, id DESC LIMIT ?",
        (ns, limit),
    )
    return tuple(_learned(row) for row in rows)


def counts(db: Connection, ns: int) -> dict[str, int]:
    """Return how many there are of each kind."""
    return dict(db.rows("SELECT kind, count(*) FROM learned WHERE ns = ? GROUP BY kind", (ns,)))


def _learned(row: Row) -> Learned:
    return Learned(row[0], row[1], json.loads(row[2]))
