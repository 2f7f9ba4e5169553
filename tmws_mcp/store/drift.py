"""The alarm of each outcome slot: how suspicious its latest outcomes are, and what has changed.

Only the own slots have one: whoever counts an outcome watches it. The state lies in the slot's own
row, which the observation has just written.
"""

from dataclasses import dataclass

from tmws_mcp.store import actor
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context

# The actor is asked for in the statement itself: a query of its own costs as much as this one.
OWN_SLOT = (
    "ns = ? AND kind = ? AND key = ? AND action = ? "
    "AND actor = (SELECT value FROM meta WHERE key = 'actor')"
)


@dataclass(frozen=True, slots=True)
class Watched:
    """The counts of a slot and the state of its alarm; counts include what was before a change."""

    n: int
    ok: int
    suspicion: float = 0.0
    """Above 0 that it got worse, below that it got better."""
    suspect_n: int = 0
    """What had been counted when the suspicion arose."""
    suspect_ok: int = 0
    before_n: int = 0
    before_ok: int = 0


@dataclass(frozen=True, slots=True)
class Changed:
    """A slot in which a change was noticed."""

    slot: Context
    pattern: str | None
    """The learned pattern that stands on it."""
    at: float


def suspect(db: Connection, ns: int, slot: Context, state: Watched) -> None:
    """Keep the suspicion of an own slot; its counts are the same for everybody else."""
    db.run(
        f"UPDATE outcome SET suspicion = ?, suspect_n = ?, suspect_ok = ? WHERE {OWN_SLOT}",
        (state.suspicion, state.suspect_n, state.suspect_ok, ns, *slot),
    )


def open_epoch(db: Connection, ns: int, slot: Context, state: Watched, now: float) -> None:
    """Note that the slot has changed: what was counted before it was suspect is the past."""
    (seq,) = actor.next_seqs(db, 1)
    db.run(
        "UPDATE outcome SET gen = gen + 1, seq = ?, before_n = ?, before_ok = ?, changed_at = ?, "
        "outside_n = 0, outside_ok = 0, "  # they were of the past
        f"suspicion = 0, suspect_n = 0, suspect_ok = 0 WHERE {OWN_SLOT}",
        (seq, state.suspect_n, state.suspect_ok, now, ns, *slot),
    )


def fallen_since(db: Connection, ns: int, moment: float, limit: int) -> tuple[Changed, ...]:
    """Return the slots in which a change for the worse was noticed since then, the newest first."""
    rows = db.rows(
        "SELECT o.kind, o.key, o.action, l.id, o.changed_at FROM outcome o LEFT JOIN learned l "
        "ON l.ns = o.ns AND l.slot_kind = o.kind AND l.slot_key = o.key "
        "AND l.slot_action = o.action WHERE o.ns = ? AND o.changed_at >= ? "
        "AND (o.ok - o.before_ok) * o.before_n < o.before_ok * (o.n - o.before_n) "
        "ORDER BY o.changed_at DESC, o.kind, o.key, o.action LIMIT ?",
        (ns, moment, limit),
    )
    return tuple(Changed((row[0], row[1], row[2]), row[3], row[4]) for row in rows)
