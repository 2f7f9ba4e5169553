"""Threads: memories that follow one another, and who stands next to whom."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tmws_mcp.store.driver import Connection
from tmws_mcp.store.selection import CURRENT


@dataclass(frozen=True, slots=True)
class Turn:
    """What indexing needs of a memory and its neighbours."""

    id: int
    thread: int | None
    position: int | None
    actor: str
    """Who said or stored it; empty where nobody did."""
    labels: str
    """Its source and its tags."""
    happened_at: float
    current: bool
    """Whether it is found by itself, and not only as its neighbours' context."""
    content: str

    @property
    def said(self) -> str:
        """Return what was said, and by whom."""
        return f"{self.actor}: {self.content}" if self.actor else self.content


TURN = (
    "m.id, m.thread, m.thread_position, coalesce(m.speaker, m.persona, ''), "
    "concat_ws(' ', m.source, (SELECT group_concat(g.tag, ' ') FROM memory_tag g "
    "WHERE g.memory = m.id)), coalesce(m.occurred_at, m.created_at), m.superseded_by IS NULL, "
    "m.content"
)


def append(db: Connection, ns: int, name: str) -> tuple[int, int]:
    """Return the thread's key and the next place in it; a new thread is made."""
    row = db.row(
        "INSERT INTO thread(ns, name, length) VALUES (?, ?, 1) "
        "ON CONFLICT(ns, name) DO UPDATE SET length = length + 1 RETURNING id, length",
        (ns, name),
    )
    assert row is not None
    return int(row[0]), int(row[1]) - 1


def turns(db: Connection, memories: Sequence[int]) -> list[Turn]:
    """Return memories that are not forgotten."""
    rows = db.rows(
        f"SELECT {TURN} FROM json_each(?) j CROSS JOIN memory m ON m.id = j.value "
        "WHERE m.forgotten_at IS NULL ORDER BY j.key",
        (json.dumps(memories),),
    )
    return [Turn(*row) for row in rows]


def before(db: Connection, thread: int, position: int, limit: int) -> list[Turn]:
    """Return the nearest turns before a place that are not forgotten, nearest first."""
    return _nearest(db, thread, position, "< ? ORDER BY m.thread_position DESC", limit)


def after(db: Connection, thread: int, position: int, limit: int) -> list[Turn]:
    """Return the nearest turns after a place that are not forgotten, nearest first."""
    return _nearest(db, thread, position, "> ? ORDER BY m.thread_position", limit)


def _nearest(db: Connection, thread: int, position: int, where: str, limit: int) -> list[Turn]:
    rows = db.rows(
        f"SELECT {TURN} FROM memory m WHERE m.thread = ? AND m.forgotten_at IS NULL "
        f"AND m.thread_position {where} LIMIT ?",
        (thread, position, limit),
    )
    return [Turn(*row) for row in rows]


def said_in(db: Connection, ns: int, name: str) -> dict[str, tuple[str, str]]:
    """Return by source the public id and the content of what is current in a thread."""
    rows = db.rows(
        "SELECT coalesce(m.source, ''), m.uid, m.content FROM thread t CROSS JOIN memory m "
        "ON m.thread = t.id "
        f"WHERE t.ns = ? AND t.name = ? AND {CURRENT} ORDER BY m.thread_position",
        (ns, name),
    )
    return {source: (uid, content) for source, uid, content in rows}
