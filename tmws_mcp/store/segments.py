"""Segments: immutable parts of a namespace's index of words, each word with its memories.

Like the segments of Lucene: memories are collected in a tail (store/forward.py), a full tail
becomes a small segment, and small ones are merged into larger ones, so that a search reads few rows
and a write adds few. A segment numbers its memories (their places, u16), which keeps a posting at
three bytes. Numbers are little-endian.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tmws_mcp.store.driver import Connection

SIZE_MAX = 65_536
"""Memories in a segment: places have 16 bits."""
MERGED = 16
"""Segments of a level that become one of the next."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the index, without its words."""

    id: int
    level: int
    size: int
    memories: bytes
    """i64 each; 0 for one that was erased."""
    lengths: bytes
    """u16 each: words of the memory."""
    threads: bytes
    """u32 each; 0 for none."""


@dataclass(frozen=True, slots=True)
class Posting:
    """Where a word stands in a segment."""

    segment: int
    term: int
    places: bytes
    """u16 each, ascending."""
    counts: bytes
    """u8 each: how often the word is said there."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Statistics of a namespace's index."""

    memories: int
    words: int
    tail: int
    """Memories that are in no segment."""


def totals(db: Connection, ns: int) -> Totals:
    """Return how much a namespace's index holds."""
    row = db.row("SELECT memories, words, tail FROM search_index WHERE ns = ?", (ns,))
    return Totals(*row) if row else Totals(0, 0, 0)


def add_to_totals(db: Connection, ns: int, *, memories: int, words: int, tail: int) -> Totals:
    """Move the statistics of a namespace, and return them."""
    row = db.row(
        "INSERT INTO search_index(ns, memories, words, tail) VALUES (?, ?, ?, ?) "
        "ON CONFLICT(ns) DO UPDATE SET memories = memories + excluded.memories, "
        "words = words + excluded.words, tail = tail + excluded.tail "
        "RETURNING memories, words, tail",
        (ns, memories, words, tail),
    )
    assert row is not None
    return Totals(*row)


def insert(
    db: Connection, ns: int, level: int, memories: bytes, lengths: bytes, threads: bytes
) -> int:
    """Write a segment without words, and return its key."""
    size = len(lengths) // 2
    assert size <= SIZE_MAX
    row = db.row(
        "INSERT INTO segment(ns, level, size, memories, lengths, threads) "
        "VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        (ns, level, size, memories, lengths, threads),
    )
    assert row is not None
    return int(row[0])


def insert_postings(db: Connection, postings: Iterable[Posting]) -> None:
    """Write the words of segments."""
    db.run_many(
        "INSERT INTO posting(segment, term, places, counts) VALUES (?, ?, ?, ?)",
        ((p.segment, p.term, p.places, p.counts) for p in postings),
    )


def of_namespace(db: Connection, ns: int) -> list[Segment]:
    """Return the segments of a namespace, oldest first."""
    rows = db.rows(
        "SELECT id, level, size, memories, lengths, threads FROM segment "
        "WHERE ns = ? AND level >= 0 ORDER BY id",
        (ns,),
    )
    return [Segment(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Size:
    """How large a segment is."""

    id: int
    level: int
    size: int


def sizes(db: Connection, ns: int) -> list[Size]:
    """Return how large the segments of a namespace are, oldest first."""
    sql = "SELECT id, level, size FROM segment WHERE ns = ? AND level >= 0 ORDER BY id"
    return [Size(*row) for row in db.rows(sql, (ns,))]


def crowded(db: Connection) -> list[int]:
    """Return the namespaces in which a level has MERGED segments or more."""
    sql = "SELECT DISTINCT ns FROM segment GROUP BY ns, level HAVING count(*) >= ?"
    return [row[0] for row in db.rows(sql, (MERGED,))]


def keys_at_level(db: Connection, ns: int, level: int) -> list[int]:
    """Return the segments of a level, oldest first."""
    rows = db.rows("SELECT id FROM segment WHERE ns = ? AND level = ? ORDER BY id", (ns, level))
    return [row[0] for row in rows]


def frequencies(db: Connection, ns: int, terms: Sequence[int]) -> dict[int, int]:
    """Return in how many memories of a namespace's segments each word stands."""
    # The length of a value is known without reading it.
    rows = db.rows(
        "SELECT p.term, sum(length(p.counts)) FROM json_each(:terms) t CROSS JOIN segment s "
        "CROSS JOIN posting p ON p.segment = s.id AND p.term = t.value "
        "WHERE s.ns = :ns AND s.level >= 0 GROUP BY p.term",
        {"terms": json.dumps(terms), "ns": ns},
    )
    return dict(rows)


def postings(db: Connection, ns: int, terms: Sequence[int]) -> list[Posting]:
    """Return where words stand in a namespace's segments."""
    rows = db.rows(
        "SELECT p.segment, p.term, p.places, p.counts FROM segment s INDEXED BY segment_of "
        "CROSS JOIN json_each(:terms) t CROSS JOIN posting p "
        "ON p.segment = s.id AND p.term = t.value WHERE s.ns = :ns AND s.level >= 0",
        {"terms": json.dumps(terms), "ns": ns},
    )
    return [Posting(*row) for row in rows]


def postings_of(db: Connection, segments: Sequence[int], after: int, width: int) -> list[Posting]:
    """Return the postings of segments for the `width` word numbers above `after`, by word."""
    rows = db.rows(
        "SELECT p.segment, p.term, p.places, p.counts FROM json_each(:segments) j "
        "CROSS JOIN posting p ON p.segment = j.value AND p.term > :after AND p.term <= :upto "
        "ORDER BY p.term, p.segment",
        {"segments": json.dumps(segments), "after": after, "upto": after + width},
    )
    return [Posting(*row) for row in rows]


def with_memories(db: Connection, ns: int) -> list[tuple[int, bytes]]:
    """Return each segment of a namespace with the memories in it."""
    return [(row[0], row[1]) for row in db.rows(
        "SELECT id, memories FROM segment WHERE ns = ? AND level >= 0", (ns,)
    )]  # fmt: skip


def read(db: Connection, segment: int, terms: Sequence[int]) -> list[Posting]:
    """Return where words stand in one segment."""
    rows = db.rows(
        "SELECT p.segment, p.term, p.places, p.counts FROM json_each(?) t "
        "CROSS JOIN posting p ON p.segment = ? AND p.term = t.value",
        (json.dumps(terms), segment),
    )
    return [Posting(*row) for row in rows]


def replace(db: Connection, postings: Iterable[Posting]) -> None:
    """Write postings anew; those that are empty are deleted."""
    for posting in postings:
        key = (posting.segment, posting.term)
        if posting.counts:
            db.run(
                "UPDATE posting SET places = ?, counts = ? WHERE segment = ? AND term = ?",
                (posting.places, posting.counts, *key),
            )
        else:
            db.run("DELETE FROM posting WHERE segment = ? AND term = ?", key)


def set_memories(db: Connection, segment: int, memories: bytes) -> None:
    """Write anew which memories a segment has at its places."""
    db.run("UPDATE segment SET memories = ? WHERE id = ?", (memories, segment))


def show(db: Connection, segment: int, level: int) -> None:
    """Let a hidden segment be searched."""
    db.run("UPDATE segment SET level = ? WHERE id = ?", (level, segment))


def delete(db: Connection, segments: Sequence[int]) -> None:
    """Delete segments with their words."""
    wanted = (json.dumps(segments),)
    db.run("DELETE FROM posting WHERE segment IN (SELECT value FROM json_each(?))", wanted)
    db.run("DELETE FROM segment WHERE id IN (SELECT value FROM json_each(?))", wanted)
