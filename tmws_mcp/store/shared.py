"""Rows of evidence on their way to slots, and out of slots of others."""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context

TOTALS = (
    "n", "ok", "tokens", "metered", "durations", "last_at", "gen", "before_n", "before_ok",
    "changed_at", "outside_n", "outside_ok",
)  # fmt: skip

COUNTED = ("outcome", "context")
"""The tables of evidence."""


class Row(NamedTuple):
    """The totals of one slot of outcomes; `gen` is the number of its changes for the worse."""

    n: int
    ok: int
    tokens: int
    metered: int
    durations: str
    last_at: float
    gen: int
    before_n: int
    before_ok: int
    changed_at: float | None
    outside_n: int
    outside_ok: int


def index_changes(db: Connection) -> None:
    """Let own rows be found by the number of their last change, as sharing does.

    Each observation moves these indexes, so that only a store which has ever shared has them.
    """
    for table in COUNTED:
        db.rows(f"CREATE INDEX IF NOT EXISTS {table}_seq ON {table}(actor, seq)")


def own_outcomes(
    db: Connection, ns: int, actor: str, above: int, limit: int
) -> list[tuple[int, Context, Row]]:
    """Return own outcomes that changed after a number, in the order of their changes."""
    rows = db.rows(
        f"SELECT seq, kind, key, action, {', '.join(TOTALS)} FROM outcome INDEXED BY outcome_seq "
        "WHERE actor = ? AND seq > ? AND ns = ? ORDER BY seq LIMIT ?",
        (actor, above, ns, limit),
    )
    return [(row[0], (row[1], row[2], row[3]), Row(*row[4:])) for row in rows]


def own_contexts(
    db: Connection, ns: int, actor: str, above: int, limit: int
) -> list[tuple[int, Context, int]]:
    """Return own contexts that changed after a number, in the order of their changes."""
    rows = db.rows(
        "SELECT seq, kind, key, action, n FROM context INDEXED BY context_seq "
        "WHERE actor = ? AND seq > ? AND ns = ? ORDER BY seq LIMIT ?",
        (actor, above, ns, limit),
    )
    return [(row[0], (row[1], row[2], row[3]), row[4]) for row in rows]


def put_outcomes(db: Connection, ns: int, rows: Iterable[tuple[Context, str, int, Row]]) -> None:
    """Set rows of outcomes: (context, actor, seq, totals) each."""
    names = ("ns", "kind", "key", "action", "actor", "seq", *TOTALS)
    marks = ", ".join("?" * len(names))
    changes = ", ".join(f"{name} = excluded.{name}" for name in ("seq", *TOTALS))
    db.run_many(
        f"INSERT INTO outcome({', '.join(names)}) VALUES ({marks}) "
        f"ON CONFLICT DO UPDATE SET {changes}, suspicion = 0",
        ((ns, *context, actor, seq, *row) for context, actor, seq, row in rows),
    )


def put_contexts(db: Connection, ns: int, rows: Iterable[tuple[Context, str, int, int]]) -> None:
    """Set rows of contexts: (context, actor, seq, n) each."""
    db.run_many(
        "INSERT INTO context(ns, kind, key, action, actor, seq, n) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET seq = excluded.seq, n = excluded.n",
        ((ns, *context, actor, seq, n) for context, actor, seq, n in rows),
    )


def drop(db: Connection, ns: int, table: str, context: Context, actors: Sequence[str]) -> None:
    """Drop these actors' rows of a context from `outcome` or `context`."""
    assert table in COUNTED
    db.run_many(
        f"DELETE FROM {table} WHERE ns = ? AND kind = ? AND key = ? AND action = ? AND actor = ?",
        ((ns, *context, actor) for actor in actors),
    )


def keep_only(
    db: Connection, ns: int, table: str, kept: Iterable[tuple[Context, Sequence[str]]]
) -> None:
    """Drop of each context what others than these actors have counted."""
    assert table in COUNTED
    db.run_many(
        f"DELETE FROM {table} WHERE ns = ? AND kind = ? AND key = ? AND action = ? "
        "AND actor NOT IN (SELECT value FROM json_each(?))",
        ((ns, *context, json.dumps(list(actors))) for context, actors in kept),
    )


def has_own(db: Connection, ns: int, table: str, context: Context, actor: str) -> bool:
    """Tell whether an actor has a row of a context."""
    assert table in COUNTED
    found = db.row(
        f"SELECT 1 FROM {table} WHERE ns = ? AND kind = ? AND key = ? AND action = ? AND actor = ?",
        (ns, *context, actor),
    )
    return found is not None


def drop_foreign(db: Connection, ns: int, actor: str) -> None:
    """Drop all evidence that others have counted."""
    for table in COUNTED:
        db.run(f"DELETE FROM {table} WHERE ns = ? AND actor <> ?", (ns, actor))


def evidence_rows(db: Connection, ns: int, actor: str) -> tuple[int, int]:
    """Return how many rows of evidence are own ones, and how many are others'."""
    own = other = 0
    for table in COUNTED:
        row = db.row(
            f"SELECT sum(actor = ?), sum(actor <> ?) FROM {table} WHERE ns = ?",
            (actor, actor, ns),
        )
        own, other = own + (row[0] or 0 if row else 0), other + (row[1] or 0 if row else 0)
    return own, other
