"""Which memories changed since a moment, as the triggers of schema 7 note it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tmws_mcp.store.driver import Connection


@dataclass(frozen=True, slots=True)
class Changed:
    """A memory that was written, changed or removed."""

    memory: int
    uid: str | None
    """None where it was erased."""
    current: bool
    """Whether a recall may show it."""
    thread: int | None
    dated: bool
    """Whether it says when it happened."""


def newest(db: Connection, namespaces: Sequence[int]) -> int:
    """Return the number of the newest change of some namespaces; 0 where none is known."""
    sql = "SELECT max(n) FROM memory_change WHERE ns = ?"
    found = (db.row(sql, (ns,)) for ns in namespaces)
    return max((row[0] or 0 for row in found if row), default=0)


def head(db: Connection) -> int:
    """Return the number of the newest change of any namespace; 0 where none is known."""
    row = db.row("SELECT max(n) FROM memory_change")
    return int(row[0] or 0) if row else 0


def known_from(db: Connection) -> int:
    """Return the number after which every change is known."""
    row = db.row("SELECT min(n) FROM memory_change")
    return int(row[0]) - 1 if row and row[0] else 0


def since(db: Connection, after: int, namespaces: Sequence[int], limit: int) -> list[Changed]:
    """Return the memories of some namespaces that changed after a number, at most so many."""
    rows = db.rows(
        "SELECT DISTINCT c.memory FROM json_each(:namespaces) j CROSS JOIN memory_change c "
        "ON c.ns = j.value AND c.n > :after LIMIT :limit",
        {"namespaces": json.dumps(namespaces), "after": after, "limit": limit},
    )
    found = db.rows(
        "SELECT j.value, m.uid, m.forgotten_at IS NULL AND m.superseded_by IS NULL, m.thread, "
        "m.occurred_at IS NOT NULL "
        "FROM json_each(?) j LEFT JOIN memory m ON m.id = j.value",
        (json.dumps([memory for (memory,) in rows]),),
    )
    return [Changed(one, uid, bool(is_), thread, bool(at)) for one, uid, is_, thread, at in found]
