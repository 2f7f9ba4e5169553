"""Slots, runs and learned patterns as they are carried from one store to another.

A slot belongs to its actor and holds absolute totals, so that taking it in is "the greater
(gen, seq) wins": the same file taken in twice counts nothing twice.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context
from tmws_mcp.store.learned import Learned
from tmws_mcp.store.tasks import Run

COLUMNS = (
    "kind", "key", "action", "actor", "gen", "seq", "n", "ok", "tokens", "metered", "durations",
    "last_at", "before_n", "before_ok", "changed_at", "outside_n", "outside_ok",
)  # fmt: skip
SLOTS_EACH_MAX = 5_000
"""Slots of one context: more than an agent has tools."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A slot of outcomes of one actor."""

    kind: str
    key: str
    action: str
    actor: str
    gen: int
    seq: int
    n: int
    ok: int
    tokens: int
    metered: int
    durations: str
    last_at: float
    before_n: int
    before_ok: int
    changed_at: float | None
    outside_n: int
    outside_ok: int


def slots_of(
    db: Connection, ns: int, contexts: Iterable[tuple[str, str]], single: Iterable[Context]
) -> list[Carried]:
    """Return all slots of these contexts, and single ones of others, each once and in order."""
    columns = ", ".join(COLUMNS)
    found: set[Carried] = set()
    for kind, key in sorted(set(contexts)):
        rows = db.rows(
            f"SELECT {columns} FROM outcome WHERE ns = ? AND kind = ? AND key = ? LIMIT ?",
            (ns, kind, key, SLOTS_EACH_MAX),
        )
        found.update(Carried(*row) for row in rows)
    for slot in sorted(set(single)):
        rows = db.rows(
            f"SELECT {columns} FROM outcome WHERE ns = ? AND kind = ? AND key = ? AND action = ?",
            (ns, *slot),
        )
        found.update(Carried(*row) for row in rows)
    return sorted(found, key=lambda slot: (slot.kind, slot.key, slot.action, slot.actor))


def take_slot(db: Connection, ns: int, slot: Carried) -> bool:
    """Take a slot in where it is newer than the known one; tell whether it was."""
    marks = ", ".join("?" * (len(COLUMNS) + 1))
    changes = ", ".join(
        f"{name} = excluded.{name}" for name in COLUMNS if name not in ("kind", "key", "action")
    )
    taken = db.run(
        f"INSERT INTO outcome(ns, {', '.join(COLUMNS)}) VALUES ({marks}) ON CONFLICT DO UPDATE "
        f"SET {changes}, suspicion = 0 "
        "WHERE (excluded.gen, excluded.seq) > (outcome.gen, outcome.seq)",
        (ns, *(getattr(slot, name) for name in COLUMNS)),
    )
    # One's own sequence goes on above what is known of it, from wherever that came.
    db.run(
        "UPDATE meta SET value = max(CAST(value AS INTEGER), ?) WHERE key = 'seq' "
        "AND ? = (SELECT value FROM meta WHERE key = 'actor')",
        (slot.seq, slot.actor),
    )
    return bool(taken)


def seen_between(db: Connection, ns: int, pattern_id: str) -> tuple[float, float]:
    """Return when a learned pattern was seen first and last."""
    row = db.row("SELECT first_at, last_at FROM learned WHERE ns = ? AND id = ?", (ns, pattern_id))
    assert row is not None
    return float(row[0]), float(row[1])


def take_pattern(db: Connection, ns: int, learned: Learned, slot: Context, last_at: float) -> bool:
    """Keep a learned pattern; tell whether it was unknown."""
    taken = db.run(
        "INSERT OR IGNORE INTO learned(ns, id, kind, definition, first_at, last_at, slot_kind, "
        "slot_key, slot_action) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            ns, learned.id, learned.kind, json.dumps(learned.definition), learned.first_at,
            last_at, *slot,
        ),
    )  # fmt: skip
    db.run(
        "UPDATE learned SET first_at = min(first_at, ?), last_at = max(last_at, ?) "
        "WHERE ns = ? AND id = ?",
        (learned.first_at, last_at, ns, learned.id),
    )
    return bool(taken)


def same_runs(db: Connection, task: int, run: Run) -> int:
    """Return how many runs just like this one a task has."""
    row = db.row(
        "SELECT count(*) FROM run WHERE task = ? AND at = ? AND outcome = ? AND steps = ?",
        (task, run.at, run.outcome, steps_text(run.steps)),
    )
    return int(row[0]) if row else 0


def steps_text(steps: Sequence[tuple[str, bool]]) -> str:
    """Return steps as the table of runs holds them."""
    return json.dumps(steps, separators=(",", ":"))
