"""Figures: what was counted of each thing on each day, as bags of integers that add up."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping

from tmws_mcp.store import actor
from tmws_mcp.store.driver import Connection

DAYS_KEPT = 60
NAMES_MAX = 2_000
"""Things of a day; what comes after them is not counted."""

Thing = tuple[str, str]
"""A kind (pattern, cache, store) and a name."""


def add(db: Connection, day: int, counted: Mapping[Thing, Mapping[str, int]]) -> None:
    """Add what was counted on a day, and drop the days that are over."""
    own = actor.identity(db)
    held = {(kind, name): Counter(json.loads(counts)) for kind, name, counts in _of(db, day, own)}
    for thing, counts in counted.items():
        if thing in held or len(held) < NAMES_MAX:
            held.setdefault(thing, Counter()).update(counts)
    db.run_many(
        "INSERT INTO figure VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT(day, actor, kind, name) DO UPDATE SET counts = excluded.counts",
        ((day, own, *thing, json.dumps(held[thing])) for thing in counted if thing in held),
    )
    db.run("DELETE FROM figure WHERE day <= ?", (day - DAYS_KEPT,))


def _of(db: Connection, day: int, own: str) -> Iterable[tuple[str, str, str]]:
    sql = "SELECT kind, name, counts FROM figure WHERE day = ? AND actor = ?"
    return [(kind, name, counts) for kind, name, counts in db.rows(sql, (day, own))]


def between(db: Connection, first: int, last: int) -> dict[Thing, Counter[str]]:
    """Return what was counted on some days, the first and the last included."""
    total: dict[Thing, Counter[str]] = {}
    rows = db.rows("SELECT kind, name, counts FROM figure WHERE day BETWEEN ? AND ?", (first, last))
    for kind, name, counts in rows:
        total.setdefault((kind, name), Counter()).update(json.loads(counts))
    return total
