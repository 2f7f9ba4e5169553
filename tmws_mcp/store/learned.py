"""The readable objects that stand behind the counts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from tmws_mcp.model import JsonObject
from tmws_mcp.store.driver import Connection, Row
from tmws_mcp.store.evidence import Context

LEARNED_MAX = 5_000
SEEN_SECONDS = 60
"""That a pattern was seen again is noted so often; when its counts moved last is always known."""
SLOTS_EACH = 100
"""Read by one statement."""
PRUNED_EACH = 64
"""Counting costs a scan of an index, so that one in so many new ones pays for it (by its id)."""

NAMES_TOOL = (
    ":tool IN (json_extract(definition, '$.tool'), json_extract(definition, '$.repair'), "
    "json_extract(definition, '$.method'), json_extract(definition, '$.than')) "
    "OR EXISTS (SELECT 1 FROM json_each(definition, '$.steps') WHERE value = :tool)"
)
"""Whether a definition names the tool (or method) `:tool`."""


@dataclass(frozen=True, slots=True)
class Learned:
    """A learned pattern's definition; its evidence lies in store/evidence.py."""

    id: str
    kind: str
    definition: JsonObject
    first_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Noted:
    """A learned pattern as it was noted last."""

    id: str
    last_at: float
    definition: str


def of_slots(db: Connection, ns: int, slots: Sequence[Context]) -> dict[Context, list[Noted]]:
    """Return by slot the learned patterns whose evidence lies in it, where there are any."""
    found: dict[Context, list[Noted]] = {}
    for start in range(0, len(slots), SLOTS_EACH):
        some = slots[start : start + SLOTS_EACH]
        rows = db.rows(
            "SELECT slot_kind, slot_key, slot_action, id, last_at, definition FROM learned "
            # SQLite would look through the namespace rather than look up a few rows twice.
            "INDEXED BY learned_slot WHERE ns = ? AND (slot_kind, slot_key, slot_action) IN "
            f"(VALUES {','.join(['(?, ?, ?)'] * len(some))})",
            (ns, *chain.from_iterable(some)),
        )
        for kind, key, action, *noted in rows:
            found.setdefault((kind, key, action), []).append(Noted(*noted))
    return found


def note(
    db: Connection, ns: int, learned: Learned, slot: Context, now: float, before: Sequence[Noted]
) -> bool:
    """Keep a learned pattern, or note that it was seen again; tell whether that moved `of_slots`.

    `slot` is where it is counted, and `before` what was noted on that. One that came from another
    instance came without the task's text.
    """
    made = json.dumps(learned.definition)
    if any(
        (one.id, one.definition) == (learned.id, made) and one.last_at > now - SEEN_SECONDS
        for one in before
    ):
        return False  # just now: writing it again would only cost pages of the log
    seen = db.run(
        "UPDATE learned SET last_at = max(last_at, ?), slot_kind = ?, slot_key = ?, "
        'slot_action = ?, definition = iif(definition LIKE \'%"task": ""%\', ?, definition) '
        "WHERE ns = ? AND id = ?",
        (now, *slot, made, ns, learned.id),
    )
    if seen:
        return learned.id not in {one.id for one in before}
    db.run(
        "INSERT INTO learned(ns, id, kind, definition, first_at, last_at, slot_kind, slot_key, "
        "slot_action) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (ns, learned.id, learned.kind, made, now, now, *slot),
    )
    if int(learned.id, 16) % PRUNED_EACH == 0:
        prune(db, ns, LEARNED_MAX)
    return True


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
        "SELECT id, kind, definition, first_at FROM learned WHERE ns = ? AND id = ?",
        (ns, pattern_id),
    )
    return _learned(row) if row else None


def known(db: Connection, ns: int, pattern_ids: Sequence[str]) -> frozenset[str]:
    """Return which of these learned patterns there are."""
    if not pattern_ids:
        return frozenset()
    marks = ",".join("?" * len(pattern_ids))
    rows = db.rows(f"SELECT id FROM learned WHERE ns = ? AND id IN ({marks})", (ns, *pattern_ids))
    return frozenset(row[0] for row in rows)


def of_slot(db: Connection, ns: int, slot: Context, kind: str) -> Learned | None:
    """Return the learned pattern of a kind whose evidence lies in a slot, or None."""
    row = db.row(
        "SELECT id, kind, definition, first_at FROM learned WHERE ns = ? AND slot_kind = ? "
        "AND slot_key = ? AND slot_action = ? AND kind = ? ORDER BY last_at DESC, id LIMIT 1",
        (ns, *slot, kind),
    )
    return _learned(row) if row else None


def ids_of_slot(db: Connection, ns: int, slot: Context) -> tuple[str, ...]:
    """Return the ids of all learned patterns whose evidence lies in a slot."""
    rows = db.rows(
        "SELECT id FROM learned WHERE ns = ? AND slot_kind = ? AND slot_key = ? "
        "AND slot_action = ?",
        (ns, *slot),
    )
    return tuple(row[0] for row in rows)


def newest(
    db: Connection, ns: int, limit: int, *, kind: str = "", tool: str = "", since: float = 0.0
) -> tuple[Learned, ...]:
    """Return the learned patterns seen last, newest first; those that name a tool, if one is."""
    rows = db.rows(
        "SELECT id, kind, definition, first_at FROM learned WHERE ns = :ns "
        "AND last_at >= :since AND (:kind = '' OR kind = :kind) "
        f"AND (:tool = '' OR {NAMES_TOOL}) ORDER BY last_at DESC, id DESC LIMIT :limit",
        {"ns": ns, "limit": limit, "kind": kind, "tool": tool, "since": since},
    )
    return tuple(_learned(row) for row in rows)


def counts(db: Connection, ns: int) -> dict[str, int]:
    """Return how many there are of each kind."""
    return dict(db.rows("SELECT kind, count(*) FROM learned WHERE ns = ? GROUP BY kind", (ns,)))


def _learned(row: Row) -> Learned:
    return Learned(row[0], row[1], json.loads(row[2]), row[3])
