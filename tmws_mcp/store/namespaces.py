"""Namespaces: every row of the store belongs to one, and every statement names it."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from tmws_mcp.errors import StoreError
from tmws_mcp.model import Scope
from tmws_mcp.store.driver import Connection

NAMESPACES_MAX = 1_000
"""Each has a full-text index of its own, and SQLite reads the schema at each opening."""
KNOWN_SHOWN_MAX = 20


def find(db: Connection, name: str) -> int | None:
    """Return the namespace's key, or None where nothing was stored into it yet."""
    row = db.row("SELECT id FROM namespace WHERE name = ?", (name,))
    return int(row[0]) if row else None


def ensure(db: Connection, name: str, now: float) -> int:
    """Return the namespace's key; a new one is made.

    Raises:
        StoreError: There are NAMESPACES_MAX of them already.
    """
    if (known := find(db, name)) is not None:
        return known
    if len(names(db)) >= NAMESPACES_MAX:
        raise StoreError(
            f"The store holds {NAMESPACES_MAX:,} namespaces, its limit; {name!r} was not made. "
            "Store into one that exists."
        )
    row = db.row("INSERT INTO namespace(name, created_at) VALUES (?, ?) RETURNING id", (name, now))
    assert row is not None
    return int(row[0])


def names(db: Connection) -> tuple[str, ...]:
    """Return the names of all namespaces, in order."""
    return tuple(row[0] for row in db.rows("SELECT name FROM namespace ORDER BY name"))


def with_known(db: Connection, scope: Scope) -> Scope:
    """Return a scope whose namespace is not there, with the names that the caller may know."""
    there = (name for name in names(db) if not scope.within or name in scope.within)
    return scope.model_copy(update={"known": tuple(islice(there, KNOWN_SHOWN_MAX))})


def generation(db: Connection, ns: int, area: str) -> int:
    """Return the number that each write to an area (memory, learning) of a namespace moves."""
    row = db.row("SELECT n FROM generation WHERE ns = ? AND area = ?", (ns, area))
    return int(row[0]) if row else 0


@dataclass(frozen=True, slots=True)
class Standing:
    """A namespace's key, and the generations of all areas that were ever written to."""

    ns: int
    generations: Mapping[str, int]


def standing(db: Connection, name: str) -> Standing | None:
    """Return how the namespace stands, None where nothing was stored into it yet."""
    rows = db.rows(
        "SELECT n.id, g.area, g.n FROM namespace n LEFT JOIN generation g ON g.ns = n.id "
        "WHERE n.name = ?",
        (name,),
    )
    if not rows:
        return None
    return Standing(int(rows[0][0]), {area: n for _, area, n in rows if area is not None})


def generations(db: Connection, ns: int) -> dict[str, int]:
    """Return the generations of all areas that were ever written to."""
    return dict(db.rows("SELECT area, n FROM generation WHERE ns = ?", (ns,)))


def touch(db: Connection, ns: int, area: str) -> int:
    """Move the generation and return it: what any process has cached of this area is stale."""
    row = db.row(
        "INSERT INTO generation VALUES (?, ?, 1) ON CONFLICT(ns, area) DO UPDATE SET n = n + 1 "
        "RETURNING n",
        (ns, area),
    )
    assert row is not None
    return int(row[0])
