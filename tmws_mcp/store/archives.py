"""Archived memories: rows that stay and that no query finds, and the batches they belong to."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tmws_mcp.store.driver import Connection

DUPLICATE, FADED, SUPERSEDED, RETIRED = "duplicate", "faded", "superseded", "retired"
"""Why: another says the same; nobody needed it; a newer version holds; kept as long as was set."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What was archived together."""

    uid: str
    namespace: str
    made_at: float
    reasons: dict[str, int]


def open_batch(db: Connection, ns: int, uid: str, now: float) -> int:
    """Return the key of a batch; a new one is made, under another id where a namespace has it."""
    found = db.row("SELECT id FROM archive WHERE uid = ? AND ns = ?", (uid, ns))
    if found is None and taken(db, uid):
        return open_batch(db, ns, f"{uid}-{ns}", now)
    row = found or db.row(
        "INSERT INTO archive(uid, ns, made_at) VALUES (?, ?, ?) RETURNING id", (uid, ns, now)
    )
    assert row is not None
    return int(row[0])


def taken(db: Connection, uid: str) -> bool:
    """Tell whether a batch has this id."""
    return db.row("SELECT 1 FROM archive WHERE uid = ?", (uid,)) is not None


def archive(db: Connection, batch: int, memory: int, reason: str, stands_for_it: int) -> None:
    """Take a memory out of what is current; `stands_for_it` is itself where no other does."""
    if reason != SUPERSEDED:
        db.run("UPDATE memory SET superseded_by = ? WHERE id = ?", (stands_for_it, memory))
    note(db, batch, memory, reason)


def note(db: Connection, batch: int, memory: int, reason: str) -> None:
    """Write that a memory is archived; its row says so already."""
    db.run("INSERT OR REPLACE INTO archived VALUES (?, ?, ?)", (memory, batch, reason))


def members(db: Connection, ns: int, uid: str) -> list[tuple[int, str]]:
    """Return (key, reason) of memories that a batch has archived, oldest first."""
    return db.rows(
        "SELECT a.memory, a.reason FROM archive b CROSS JOIN archived a ON a.archive = b.id "
        "WHERE b.ns = ? AND b.uid = ? ORDER BY a.memory",
        (ns, uid),
    )


def bring_back(db: Connection, members: Iterable[tuple[int, str]]) -> list[int]:
    """Undo the archiving; return the memories that are current again."""
    members = list(members)
    keys = json.dumps([key for key, reason in members if reason != SUPERSEDED])
    db.run(
        "UPDATE memory SET superseded_by = NULL WHERE id IN (SELECT value FROM json_each(?))",
        (keys,),
    )
    touched = db.rows(
        "SELECT DISTINCT a.archive FROM json_each(?) j CROSS JOIN archived a ON a.memory = j.value",
        (json.dumps([key for key, _ in members]),),
    )
    db.run_many("DELETE FROM archived WHERE memory = ?", ((key,) for key, _ in members))
    db.run_many(
        "DELETE FROM archive WHERE id = ? "
        "AND NOT EXISTS (SELECT 1 FROM archived a WHERE a.archive = archive.id)",
        touched,
    )
    rows = db.rows(
        "SELECT m.id FROM json_each(?) j CROSS JOIN memory m ON m.id = j.value "
        "WHERE m.forgotten_at IS NULL",
        (keys,),
    )
    return [row[0] for row in rows]


def release(db: Connection, memories: Sequence[int]) -> None:
    """Take the note off memories that something newer has replaced."""
    db.run_many("DELETE FROM archived WHERE memory = ?", ((key,) for key in memories))


def batches(db: Connection, ns: int, limit: int) -> list[Batch]:
    """Return a namespace's batches, newest first."""
    rows = db.rows(
        "SELECT b.uid, n.name, b.made_at, (SELECT json_group_object(reason, count) FROM "
        "(SELECT a.reason, count(*) AS count FROM archived a WHERE a.archive = b.id "
        "GROUP BY a.reason)) FROM archive b JOIN namespace n ON n.id = b.ns "
        "WHERE b.ns = ? AND EXISTS (SELECT 1 FROM archived a WHERE a.archive = b.id) "
        "ORDER BY b.made_at DESC, b.id DESC LIMIT ?",
        (ns, limit),
    )
    return [Batch(uid, name, at, json.loads(reasons)) for uid, name, at, reasons in rows]


def count(db: Connection, ns: int) -> int:
    """Return how many memories of a namespace are archived."""
    row = db.row(
        "SELECT count(*) FROM archive b CROSS JOIN archived a ON a.archive = b.id WHERE b.ns = ?",
        (ns,),
    )
    assert row is not None
    return int(row[0])
