"""Events for those who watch: a ring for each namespace, read from where a watcher stopped.

A number is never given twice within a namespace, and what could not be written takes its numbers
too: a gap is what was lost, exactly.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice

from tmws_mcp.store import lease, namespaces
from tmws_mcp.store.driver import Connection

KEPT_MAX = 500
"""Events of a namespace that a watcher may be behind."""
KEPT_SECONDS = 60.0
WATCHED = "watched"
EVERYBODY = "everybody"
"""The lease belongs to all who watch: each renews it, and the last one lets it lapse."""
SERVER = ""
"""The namespace of what concerns the whole server."""
SERVER_KEY = 0


@dataclass(frozen=True, slots=True)
class Told:
    """Something that has happened in a namespace, at a time in seconds since 1970."""

    namespace: str
    kind: str
    at: float
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Read:
    """An event as it is read: its number, and how many before it were lost."""

    told: Told
    number: int
    lost: int = 0


def watch(db: Connection, names: Sequence[str] | None, now: float) -> dict[str, int]:
    """Say that somebody watches, for LEASE_SECONDS; return the newest number of each namespace."""
    lease.acquire(db, WATCHED, EVERYBODY, now)
    return _heads(db, names)


def is_watched(db: Connection, now: float) -> bool:
    """Whether anybody watches, in any process."""
    return lease.is_held(db, WATCHED, now)


def append(db: Connection, told: Iterable[Told], lost: Mapping[str, int]) -> None:
    """Write events, and count those that were lost; of a namespace that is none yet, nothing."""
    by_name: dict[str, list[Told]] = {}
    for one in told:
        by_name.setdefault(one.namespace, []).append(one)
    for name in {**lost, **by_name}:
        if (ns := _key(db, name)) is not None:
            _append(db, ns, by_name.get(name, []), lost.get(name, 0))


def _append(db: Connection, ns: int, told: Sequence[Told], lost: int) -> None:
    n = len(told) + lost
    row = db.row(
        "INSERT INTO event_head VALUES (:ns, :n) "
        "ON CONFLICT(ns) DO UPDATE SET number = number + :n RETURNING number",
        {"ns": ns, "n": n},
    )
    assert row is not None
    head = int(row[0])
    db.run_many(
        "INSERT INTO event VALUES (?, ?, ?, ?, ?)",
        (
            (ns, number, one.at, one.kind, json.dumps(one.body))
            for number, one in enumerate(told, head - len(told) + 1)
        ),
    )
    db.run("DELETE FROM event WHERE ns = ? AND number <= ?", (ns, head - KEPT_MAX))


def after(
    db: Connection, seen: Mapping[str, int], names: Sequence[str] | None, limit: int, now: float
) -> list[Read]:
    """Return up to `limit` events of some namespaces, or of all, in the order of their time.

    `seen` are the last numbers that were read. A namespace whose newest events are all gone yields
    one that tells how many: of the kind `lost`, with the newest number.
    """
    found = [
        _of_namespace(db, name, (last, head), limit, now)
        for name, head in _heads(db, names).items()
        if head > (last := seen.get(name, 0))
    ]
    # Merged, not sorted: the numbers of a namespace stay in their order whatever the clocks say.
    return list(islice(merge(*found, key=lambda one: one.told.at), limit))


def _of_namespace(
    db: Connection, name: str, span: tuple[int, int], limit: int, now: float
) -> list[Read]:
    last, head = span
    rows = db.rows(
        "SELECT number, at, kind, body FROM event WHERE ns = ? AND number > ? "
        "ORDER BY number LIMIT ?",
        (_key(db, name), last, limit),
    )
    found: list[Read] = []
    for number, at, kind, body in rows:
        told = Told(name, kind, at, json.loads(body))
        found.append(Read(told, number, lost=number - last - 1))
        last = number
    if not found:
        return [Read(Told(name, "lost", now, {}), head, lost=head - last)]
    return found


def tidy(db: Connection, now: float) -> None:
    """Drop what nobody has waited for."""
    db.run("DELETE FROM event WHERE at < ?", (now - KEPT_SECONDS,))


def _heads(db: Connection, names: Sequence[str] | None) -> dict[str, int]:
    if names is None:
        rows = db.rows(
            "SELECT coalesce(name, ?), number FROM event_head "
            "LEFT JOIN namespace ON namespace.id = event_head.ns",
            (SERVER,),
        )
        return dict(rows)
    found: dict[str, int] = {}
    for name in names:
        row = db.row("SELECT number FROM event_head WHERE ns = ?", (_key(db, name),))
        found[name] = int(row[0]) if row else 0
    return found


def _key(db: Connection, name: str) -> int | None:
    return SERVER_KEY if name == SERVER else namespaces.find(db, name)
