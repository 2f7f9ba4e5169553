"""What search reads of each memory: its words, its word pieces and its vector, in compact form.

The rows stand beside `memory`, whose content they spare the reader. Numbers are little-endian; what
they mean is the business of memory/: here they are bytes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tmws_mcp.store.driver import Connection
from tmws_mcp.store.selection import Filter

WORD_BYTES, PIECE_BYTES = 4, 2
"""Of a term's and of a word piece's number."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A memory as the index knows it."""

    memory: int
    traits: int
    """Bits that say what kind of thing it says."""
    length: int
    """Words, each as often as it is said."""
    terms: bytes
    counts: bytes
    pieces: bytes


@dataclass(frozen=True, slots=True)
class Tail:
    """A memory that is in no segment yet."""

    memory: int
    thread: int
    length: int
    terms: bytes
    counts: bytes


class Indexed(NamedTuple):
    """All that ranking needs of a memory; a tuple, since a query reads hundreds of them."""

    memory: int
    passes: int
    """1 where the filter lets it through by itself; 0: it is only its neighbours' context."""
    thread: int | None
    position: int | None
    actor: str
    chars: int
    happened_at: float | None
    traits: int
    length: int
    terms: bytes
    counts: bytes
    pieces: bytes
    vector: bytes | None
    """Of the embedder that was asked for; None where it has none of it."""


def put(db: Connection, ns: int, entries: Sequence[Entry]) -> None:
    """Write the rows of memories that are in no segment; their vectors come by themselves."""
    db.run_many(
        "INSERT INTO memory_search(memory, ns, tail, traits, length, terms, counts, pieces) "
        "VALUES (?, ?, 1, ?, ?, ?, ?, ?)",
        ((e.memory, ns, e.traits, e.length, e.terms, e.counts, e.pieces) for e in entries),
    )


def entries(db: Connection, memories: Sequence[int]) -> list[Entry]:
    """Return the rows of those memories that have one."""
    rows = db.rows(
        "SELECT s.memory, s.traits, s.length, s.terms, s.counts, s.pieces FROM json_each(?) j "
        "CROSS JOIN memory_search s ON s.memory = j.value",
        (json.dumps(memories),),
    )
    return [Entry(*row) for row in rows]


def remove(db: Connection, memories: Sequence[int]) -> None:
    """Delete the rows of memories."""
    db.run(
        "DELETE FROM memory_search WHERE memory IN (SELECT value FROM json_each(?))",
        (json.dumps(memories),),
    )


def tail(db: Connection, ns: int) -> list[Tail]:
    """Return the memories that are in no segment, oldest first."""
    rows = db.rows(
        "SELECT s.memory, coalesce(m.thread, 0), s.length, s.terms, s.counts "
        "FROM memory_search s INDEXED BY memory_search_tail CROSS JOIN memory m ON m.id = s.memory "
        "WHERE s.ns = ? AND s.tail = 1 ORDER BY s.memory",
        (ns,),
    )
    return [Tail(*row) for row in rows]


def leave_tail(db: Connection, ns: int, memories: Sequence[int]) -> None:
    """Note that memories are in a segment now."""
    db.run_many(
        "UPDATE memory_search SET tail = NULL WHERE memory = ? AND ns = ?",
        ((memory, ns) for memory in memories),
    )


def set_vectors(db: Connection, space: int, vectors: Sequence[tuple[int, bytes]]) -> None:
    """Write the vectors that an embedder made of memories."""
    db.run_many(
        "INSERT OR REPLACE INTO memory_vector(memory, space, vector) VALUES (?, ?, ?)",
        ((memory, space, vector) for memory, vector in vectors),
    )


def drop_vectors(db: Connection, space: int) -> None:
    """Delete all vectors of an embedder."""
    db.run("DELETE FROM memory_vector WHERE space = ?", (space,))


def vectors(db: Connection, memories: Sequence[int], space: int) -> list[tuple[int, bytes]]:
    """Return the vectors of those of the memories that have one of the embedder."""
    rows = db.rows(
        "SELECT v.memory, v.vector FROM json_each(:memories) j CROSS JOIN memory_vector v "
        "ON v.memory = j.value AND v.space = :space",
        {"memories": json.dumps(memories), "space": space},
    )
    return [(row[0], row[1]) for row in rows]


def passing(db: Connection, ns: int, memories: Sequence[int], chosen: Filter) -> list[int]:
    """Return those of the memories that a recall may see, in the order given."""
    rows = db.rows(
        "SELECT m.id FROM json_each(:memories) j CROSS JOIN memory m ON m.id = j.value "
        f"WHERE m.ns = :ns AND {chosen.where} ORDER BY j.key",
        {**chosen.params, "ns": ns, "memories": json.dumps(memories)},
    )
    return [row[0] for row in rows]


def allowed(db: Connection, ns: int, chosen: Filter) -> list[int]:
    """Return all memories of a namespace that a recall may see."""
    rows = db.rows(
        f"SELECT m.id FROM memory m WHERE m.ns = :ns AND {chosen.where}",
        {**chosen.params, "ns": ns},
    )
    return [row[0] for row in rows]


def around(
    db: Connection,
    ns: int,
    memories: Sequence[int],
    reach: int,
    space: int | None,
    chosen: Filter,
) -> list[Indexed]:
    """Return what ranking needs of memories, and of those up to `reach` places from one of them.

    All are of the namespace and not forgotten; in no order.
    """
    rows: list[Any] = db.rows(
        "WITH near(id) AS (SELECT value FROM json_each(:memories) UNION "
        "SELECT n.id FROM json_each(:memories) j CROSS JOIN memory f ON f.id = j.value "
        "CROSS JOIN memory n ON n.thread = f.thread AND n.thread_position "
        "BETWEEN f.thread_position - :reach AND f.thread_position + :reach) "
        f"SELECT m.id, m.superseded_by IS NULL AND {chosen.where}, m.thread, m.thread_position, "
        "coalesce(m.speaker, m.persona, ''), m.chars, m.occurred_at, s.traits, s.length, s.terms, "
        "s.counts, s.pieces, v.vector FROM near CROSS JOIN memory m ON m.id = near.id "
        "CROSS JOIN memory_search s ON s.memory = m.id "
        "LEFT JOIN memory_vector v ON v.memory = m.id AND v.space = :space "
        "WHERE m.ns = :ns AND m.forgotten_at IS NULL",
        {
            **chosen.params,
            "ns": ns,
            "memories": json.dumps(memories),
            "reach": reach,
            "space": space,
        },
    )
    return [Indexed._make(row) for row in rows]


def backlog(db: Connection, limit: int) -> list[tuple[int, int]]:
    """Return (namespace, memory) of the next memories that wait for being indexed."""
    rows = db.rows(
        "SELECT m.ns, m.id FROM search_backlog b CROSS JOIN memory m "
        "ON m.id > b.next AND m.id <= b.last ORDER BY m.id LIMIT ?",
        (limit,),
    )
    return [(row[0], row[1]) for row in rows]


def backlog_size(db: Connection) -> int:
    """Return how many memories at most wait for being indexed."""
    row = db.row("SELECT max(last - next) FROM search_backlog")
    return int(row[0] or 0) if row else 0


def shorten_backlog(db: Connection, upto: int | None) -> None:
    """Note that all memories up to this key are indexed; None: all that waited."""
    if upto is None:
        db.run("DELETE FROM search_backlog")
    else:
        db.run("UPDATE search_backlog SET next = ?", (upto,))


def rules(db: Connection) -> int:
    """Return by which version of the rules texts were divided for the index."""
    row = db.row("SELECT value FROM meta WHERE key = 'terms'")
    assert row is not None
    return int(row[0])


def index_anew(db: Connection, rules: int) -> None:
    """Throw the index away and let every memory wait for being indexed by these rules."""
    db.run("UPDATE meta SET value = ? WHERE key = 'terms'", (str(rules),))
    for table in ("posting", "segment", "search_index", "fingerprint", "memory_search"):
        db.run(f"DELETE FROM {table}")
    db.run("DELETE FROM search_backlog")
    db.run("INSERT INTO search_backlog SELECT 0, max(id) FROM memory HAVING max(id) IS NOT NULL")
