"""Rows on their way out of a store and into another: everything of a memory, in a fixed order."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tmws_mcp.store.driver import Connection


@dataclass(frozen=True, slots=True)
class Extras:
    """What an export says of a memory beyond its record."""

    id: int
    position: int | None
    forgotten_at: float | None
    batch: str | None
    batch_made_at: float | None
    reason: str | None
    recalls: int | None
    recalled_at: float | None
    newer_is_forgotten: bool


EXTRAS = (
    "SELECT m.id, m.thread_position, m.forgotten_at, b.uid, b.made_at, a.reason, u.recalls, "
    "u.last_at, (SELECT n.forgotten_at IS NOT NULL FROM memory n WHERE n.id = m.superseded_by) "
    "FROM json_each(?) j CROSS JOIN memory m ON m.id = j.value "
    "LEFT JOIN archived a ON a.memory = m.id LEFT JOIN archive b ON b.id = a.archive "
    "LEFT JOIN memory_use u ON u.memory = m.id ORDER BY j.key"
)


def page(
    db: Connection, namespaces: Sequence[int], after: int, limit: int, *, forgotten: bool
) -> list[int]:
    """Return the next memories of some namespaces, in the order in which they were stored."""
    rows = db.rows(
        "SELECT m.id FROM memory m WHERE m.id > :after "
        "AND m.ns IN (SELECT value FROM json_each(:namespaces)) "
        "AND (:forgotten OR m.forgotten_at IS NULL) ORDER BY m.id LIMIT :limit",
        {
            "after": after,
            "namespaces": json.dumps(namespaces),
            "forgotten": int(forgotten),
            "limit": limit,
        },
    )
    return [row[0] for row in rows]


def count(db: Connection, namespaces: Sequence[int], *, forgotten: bool) -> int:
    """Return how many memories `page` gives in all."""
    row = db.row(
        "SELECT count(*) FROM memory m WHERE m.ns IN (SELECT value FROM json_each(?)) "
        "AND (? OR m.forgotten_at IS NULL)",
        (json.dumps(namespaces), int(forgotten)),
    )
    assert row is not None
    return int(row[0])


def extras(db: Connection, keys: Sequence[int]) -> list[Extras]:
    """Return what an export needs beyond the records, in the order of the keys."""
    return [Extras(*row) for row in db.rows(EXTRAS, (json.dumps(keys),))]


def links(
    db: Connection, keys: Sequence[int], *, forgotten: bool
) -> dict[int, list[tuple[str, float]]]:
    """Return the near duplicates that each memory was linked to when it was stored."""
    rows = db.rows(
        "SELECT s.memory, m.uid, s.similarity FROM json_each(:keys) j "
        "CROSS JOIN memory_similar s ON s.memory = j.value "
        "CROSS JOIN memory m ON m.id = s.other WHERE (:forgotten OR m.forgotten_at IS NULL) "
        "ORDER BY s.memory, s.similarity DESC, m.id",
        {"keys": json.dumps(keys), "forgotten": int(forgotten)},
    )
    found: dict[int, list[tuple[str, float]]] = {}
    for memory, uid, similarity in rows:
        found.setdefault(memory, []).append((uid, similarity))
    return found


def place(db: Connection, ns: int, thread: str, position: int) -> tuple[int, int]:
    """Return the thread's key and the wanted place in it, the next free one where it is taken."""
    row = db.row(
        "INSERT INTO thread(ns, name, length) VALUES (?, ?, 0) "
        "ON CONFLICT(ns, name) DO UPDATE SET length = length RETURNING id, length",
        (ns, thread),
    )
    assert row is not None
    key, length = row
    taken = db.row("SELECT 1 FROM memory WHERE thread = ? AND thread_position = ?", (key, position))
    free = length if taken else position
    db.run("UPDATE thread SET length = max(length, ?) WHERE id = ?", (free + 1, key))
    return int(key), int(free)


def known(db: Connection, uid: str) -> tuple[int, int, bytes, bool] | None:
    """Return key, namespace, hash of the text, and whether it is forgotten, by public id."""
    row = db.row(
        "SELECT id, ns, content_hash, forgotten_at IS NOT NULL FROM memory WHERE uid = ?", (uid,)
    )
    return (row[0], row[1], row[2], bool(row[3])) if row else None


def hold_back(db: Connection, memory: int) -> None:
    """Keep a new memory out of what is current until what replaced it is known."""
    db.run("UPDATE memory SET superseded_by = id WHERE id = ?", (memory,))


def held_back(db: Connection, memory: int) -> bool:
    """Tell whether a memory stands for itself alone and is not current."""
    return db.row("SELECT 1 FROM memory WHERE id = ? AND superseded_by = id", (memory,)) is not None


def point(db: Connection, memory: int, newer: int | None) -> None:
    """Say what replaced a memory; None: it is current."""
    db.run("UPDATE memory SET superseded_by = ? WHERE id = ?", (newer, memory))
