"""How what was learned has moved: snapshots by day, and what two days differ in.

A snapshot is written with the counts that it shows, so that a day's last one is that day's end.
"""

from collections.abc import Iterable

from tmws_mcp.learning.counting import REPAIR, SEQUENCE, TASK_TOOL, VARIANT
from tmws_mcp.store import history
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context

DAY_SECONDS = 86_400
SHOWN = frozenset({REPAIR, SEQUENCE, TASK_TOOL, VARIANT})
"""Kinds of outcome that learned patterns stand on."""


def day_of(at: float) -> int:
    """Return the day of a moment: days since 1970, UTC."""
    return int(at // DAY_SECONDS)


def keep(db: Connection, ns: int, slots: Iterable[Context], now: float) -> None:
    """Note how the learned patterns stand whose slots were just counted."""
    history.snapshot(db, ns, (slot for slot in slots if slot[0] in SHOWN), day_of(now))


def prune(db: Connection, now: float) -> int:
    """Drop what is too old to be shown."""
    return history.prune(db, day_of(now) - history.DAYS_MAX)
