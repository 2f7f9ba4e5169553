"""How what was learned has moved: snapshots by day, and what two days differ in.

A snapshot is written with the counts that it shows, so that a day's last one is that day's end.
"""

from collections.abc import Mapping, Sequence

from tmws_mcp.learning.counting import REPAIR, SEQUENCE, TASK_TOOL, VARIANT
from tmws_mcp.store import history
from tmws_mcp.store.counted import Counted
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context
from tmws_mcp.store.history import Snapshot
from tmws_mcp.store.learned import Noted

DAY_SECONDS = 86_400
SHOWN = frozenset({REPAIR, SEQUENCE, TASK_TOOL, VARIANT})
"""Kinds of outcome that learned patterns stand on."""


def day_of(at: float) -> int:
    """Return the day of a moment: days since 1970, UTC."""
    return int(at // DAY_SECONDS)


def keep(
    db: Connection,
    ns: int,
    counted: Mapping[Context, Counted],
    patterns: Mapping[Context, Sequence[Noted]],
    now: float,
) -> None:
    """Note how the learned patterns stand whose slots were just counted."""
    day = day_of(now)
    history.snapshot(
        db,
        ns,
        [
            (pattern.id, Snapshot(day, found.epoch, found.n, found.ok))
            for slot, found in counted.items()
            for pattern in patterns.get(slot, ())
        ],
    )


def prune(db: Connection, now: float) -> int:
    """Drop what is too old to be shown."""
    return history.prune(db, day_of(now) - history.DAYS_MAX)
