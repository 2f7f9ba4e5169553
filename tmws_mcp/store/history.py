"""How the counts of learned patterns moved from day to day."""

from collections.abc import Iterable
from dataclasses import dataclass

from tmws_mcp.store.driver import Connection

DAYS_MAX = 60
"""Older snapshots are dropped, so that a pattern never has more rows than this."""
PRUNED_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A learned pattern's counts as they stood at the end of a day."""

    day: int
    """Days since 1970, UTC."""
    epoch: int
    """How many changes had been noticed by then."""
    n: int
    ok: int


@dataclass(frozen=True, slots=True)
class Moved:
    """A learned pattern and its counts at two days; `before` is None where there were none."""

    id: str
    before: Snapshot | None
    after: Snapshot


def snapshot(db: Connection, ns: int, standing: Iterable[tuple[str, Snapshot]]) -> None:
    """Note how learned patterns stand, by id, in place of earlier that day."""
    db.run_many(
        "INSERT INTO learned_history(ns, id, day, epoch, n, ok) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET epoch = excluded.epoch, n = excluded.n, ok = excluded.ok",
        ((ns, pattern, now.day, now.epoch, now.n, now.ok) for pattern, now in standing),
    )


def of_pattern(db: Connection, ns: int, pattern_id: str) -> tuple[Snapshot, ...]:
    """Return a pattern's snapshots, oldest first."""
    rows = db.rows(
        "SELECT day, epoch, n, ok FROM learned_history WHERE ns = ? AND id = ? ORDER BY day",
        (ns, pattern_id),
    )
    return tuple(Snapshot(*row) for row in rows)


def between(db: Connection, ns: int, first: int, last: int, limit: int) -> tuple[Moved, ...]:
    """Return what moved after the end of one day until the end of another, most first."""
    rows = db.rows(
        "WITH after AS (SELECT id, max(day) AS day FROM learned_history "
        "WHERE ns = :ns AND day > :first AND day <= :last GROUP BY id) "
        "SELECT a.id, h.day, h.epoch, h.n, h.ok, b.day, b.epoch, b.n, b.ok FROM after a "
        "JOIN learned_history h ON h.ns = :ns AND h.id = a.id AND h.day = a.day "
        "LEFT JOIN learned_history b ON b.ns = :ns AND b.id = a.id AND b.day = "
        "(SELECT max(day) FROM learned_history WHERE ns = :ns AND id = a.id AND day <= :first) "
        "ORDER BY h.n - coalesce(b.n, 0) DESC, a.id LIMIT :limit",
        {"ns": ns, "first": first, "last": last, "limit": limit},
    )
    return tuple(
        Moved(row[0], None if row[5] is None else Snapshot(*row[5:]), Snapshot(*row[1:5]))
        for row in rows
    )


def prune(db: Connection, before_day: int) -> int:
    """Drop some of the snapshots from before a day."""
    return db.run(
        "DELETE FROM learned_history WHERE (ns, id, day) IN "
        "(SELECT ns, id, day FROM learned_history WHERE day < ? ORDER BY day LIMIT ?)",
        (before_day, PRUNED_MAX),
    )
