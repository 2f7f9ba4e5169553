"""Who may answer a query: by words, by identifiers, by meaning, and who stands beside them.

Each search ends with a look at the rows that it found, in the same snapshot: what is forgotten, has
expired or is not asked for drops out before anything is cut off. So no index has to know of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from tmws_mcp.memory.language.dates import Span
from tmws_mcp.memory.language.terms import EDGE, KEY, edges, number
from tmws_mcp.memory.language.words import stem
from tmws_mcp.memory.search import sketch
from tmws_mcp.memory.search.confidence import COSINE_ALONE_MIN
from tmws_mcp.memory.search.lexical import Found, Keys, Words
from tmws_mcp.store import forward, segments, sketches, vectors
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.selection import Filter

if TYPE_CHECKING:
    from tmws_mcp.memory.language.pieces import Pieces
    from tmws_mcp.memory.language.words import Query

BY_WORDS_MAX = 100
BY_KEYS_MAX = 50
PART_OF_KEY_MAX = 0.6
"""What a part of an identifier is worth at most: the file of a path without its line."""
BY_MEANING_MAX = 60
"""sqlite-vec's cost grows with the square of it."""
SKETCHED_FROM = 4_096
"""Vectors of a namespace from which on sketches find the nearest faster than sqlite-vec does."""
MEASURED_MAX = 600
"""Vectors near by their sketches that are measured exactly."""
SLACK = 200
"""More memories than are wanted, looked at before the filter is asked for all that pass it."""
REACH = 3
"""Turns to either side that are a memory's context."""
PART_WEIGHT = 0.5
"""A part of a compound is a weaker sign than a word."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A query as all namespaces are searched with it."""

    query: "Query"
    space: int | None
    """The table of vectors; None: words alone."""
    vector: bytes
    """Empty where the query has no words that the embedder knows."""
    pieces: "Pieces | None" = None
    """The query's word pieces; None where the lexicon knows none of its words."""
    spans: tuple[Span, ...] = ()
    """Times that the query names."""

    @property
    def plain(self) -> list[int]:
        """Return the terms of the query's words."""
        return [number(one) for one in self.query.stems]

    @property
    def parts(self) -> list[list[int]]:
        """Return for each word the terms of compounds that have it, and of the words within it."""
        return [
            [number(EDGE + word), *(number(stem(part)) for part in edges(word))]
            for word in self.query.words
        ]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Memories that some search found."""

    words: Words
    by_words: dict[int, float]
    """BM25 of their own words."""
    by_keys: dict[int, float]
    """Which share of the query's identifiers they hold."""
    by_meaning: dict[int, float]
    """Cosine of those that are nearest."""
    compared: int
    """How many memories they are the nearest of."""

    @property
    def memories(self) -> list[int]:
        """Return all of them, the best by words first."""
        return list(dict.fromkeys(chain(self.by_words, self.by_keys, self.by_meaning)))


def candidates(db: Connection, ns: int, probe: Probe, chosen: Filter) -> Candidates:
    """Return the memories of a namespace that may answer a query."""
    words = _words(db, ns, probe)
    parts = chain.from_iterable(probe.parts)
    weights = {one: PART_WEIGHT * words.spread.rarity(one) for one in parts}
    weights |= {one: words.spread.rarity(one) for one in probe.plain}
    nearest = _nearest(db, ns, probe, chosen)
    all_seen = len(nearest) < BY_MEANING_MAX
    return Candidates(
        words=words,
        by_words=_best(db, ns, words.scored(weights), chosen, BY_WORDS_MAX),
        by_keys=_holders(db, ns, words, probe.query.keys, chosen),
        by_meaning={one: cosine for one, cosine in nearest if cosine >= COSINE_ALONE_MIN},
        compared=len(nearest) if all_seen else words.spread.memories,
    )


def known(
    db: Connection, ns: int, probe: Probe, memories: Sequence[int], chosen: Filter
) -> Candidates:
    """Return memories as candidates that need not be looked for."""
    words = _words(db, ns, probe)
    return Candidates(
        words=words,
        by_words=dict.fromkeys(memories, 0.0),
        by_keys=_holders(db, ns, words, probe.query.keys, chosen),
        by_meaning={},
        compared=words.spread.memories,
    )


def _words(db: Connection, ns: int, probe: Probe) -> Words:
    keys = [number(KEY + key) for key in probe.query.keys]
    return Words(db, ns, [*probe.plain, *chain.from_iterable(probe.parts), *keys])


def _best(db: Connection, ns: int, found: Found, chosen: Filter, limit: int) -> dict[int, float]:
    """Return the best of what was found that passes the filter, best first."""
    head = _ordered(_above(found, limit + SLACK))
    first = head.memories[: limit + SLACK].tolist()
    passing = forward.passing(db, ns, first, chosen)[:limit]
    if len(passing) < limit and len(first) < len(found.memories):
        head = _ordered(found)
        passing = _passing(db, ns, head.memories, chosen, limit)
    of = dict(zip(head.memories.tolist(), head.scores.tolist(), strict=True))
    return {memory: of[memory] for memory in passing}


def _above(found: Found, count: int) -> Found:
    """Return the best so many, and their equals: sorting all would cost the most of a search."""
    if len(found.scores) <= count:
        return found
    good = found.scores >= np.partition(found.scores, -count)[-count]
    return Found(found.memories[good], found.scores[good])


def _ordered(found: Found) -> Found:
    order = np.lexsort((-found.memories, -found.scores))
    return Found(found.memories[order], found.scores[order])


def _passing(db: Connection, ns: int, ordered: Keys, chosen: Filter, limit: int) -> list[int]:
    """Return the first `limit` of these memories that pass the filter, in their order."""
    first = forward.passing(db, ns, ordered[: limit + SLACK].tolist(), chosen)
    if len(first) >= limit or len(ordered) <= limit + SLACK:
        return first[:limit]
    allowed = np.isin(ordered, forward.allowed(db, ns, chosen))
    return list(ordered[allowed][:limit].tolist())


def _holders(
    db: Connection, ns: int, words: Words, keys: Sequence[str], chosen: Filter
) -> dict[int, float]:
    """Return how well each memory holds the query's identifiers, 0 to 1.

    One that stands within another (a file's name in its path) is a part of it, and whoever holds
    the part alone is asked for less than who holds the whole.
    """
    wholes = [key for key in keys if not any(key != other and key in other for other in keys)]
    held: dict[int, float] = {}
    for whole in wholes:
        for memory, value in _held(db, ns, words, whole, keys, chosen).items():
            held[memory] = held.get(memory, 0.0) + value / len(wholes)
    return dict(sorted(held.items(), key=lambda item: (-item[1], -item[0])))


def _held(
    db: Connection, ns: int, words: Words, whole: str, keys: Sequence[str], chosen: Filter
) -> dict[int, float]:
    """Return who holds an identifier or a part of it, and how much of it that is."""
    held: dict[int, float] = {}
    for key in sorted((key for key in keys if key in whole), key=len):
        value = 1.0 if key == whole else PART_OF_KEY_MAX * (len(key) / len(whole)) ** 2
        holders = _passing(db, ns, words.holders(number(KEY + key)), chosen, BY_KEYS_MAX)
        held |= dict.fromkeys(holders, value)
    return held


def _nearest(db: Connection, ns: int, probe: Probe, chosen: Filter) -> Sequence[tuple[int, float]]:
    """Return the nearest memories by meaning with their cosines, nearest first."""
    if probe.space is None or not probe.vector:
        return []
    if segments.totals(db, ns).memories < SKETCHED_FROM:
        return vectors.nearest(db, probe.space, ns, probe.vector, chosen, BY_MEANING_MAX)
    return nearest_by_sketch(db, ns, probe, chosen)


def nearest_by_sketch(
    db: Connection, ns: int, probe: Probe, chosen: Filter
) -> list[tuple[int, float]]:
    """Return the nearest memories as their sketches tell, with exact cosines, nearest first."""
    assert probe.space is not None
    keys, bits = sketches.of_namespace(db, probe.space, ns)
    held = np.frombuffer(keys, np.dtype("<i8"))
    asked = np.frombuffer(probe.vector, np.int8).astype(np.float32)
    rows = np.frombuffer(bits, np.uint8).reshape(len(held), -1)
    close = held[sketch.nearest(rows, asked, len(held) if chosen.narrows else MEASURED_MAX)]
    if not chosen.narrows:
        # Most pass: those that do not are looked for among the best alone.
        best = _measured(db, close.tolist(), probe)[: BY_MEANING_MAX + SLACK]
        passing = set(forward.passing(db, ns, [memory for memory, _ in best], chosen))
        kept = [one for one in best if one[0] in passing]
        if len(kept) >= BY_MEANING_MAX or len(held) <= MEASURED_MAX:
            return kept[:BY_MEANING_MAX]
        close = held[sketch.nearest(rows, asked, len(held))]
    return _measured(db, _passing(db, ns, close, chosen, MEASURED_MAX), probe)[:BY_MEANING_MAX]


def _measured(db: Connection, memories: Sequence[int], probe: Probe) -> list[tuple[int, float]]:
    cosines = exact_cosines(db, sorted(memories), probe)  # sorted: neighbours on the disk
    return sorted(cosines.items(), key=lambda item: (-item[1], item[0]))


def exact_cosines(db: Connection, memories: Sequence[int], probe: Probe) -> dict[int, float]:
    """Return the cosines of memories with the query; those without a vector are left out."""
    assert probe.space is not None
    found = forward.vectors(db, memories, probe.space)
    if not found:
        return {}
    rows = np.frombuffer(b"".join(vector for _, vector in found), np.int8)
    unit = unit_rows(rows.reshape(len(found), -1))
    asked = unit_rows(np.frombuffer(probe.vector, np.int8)[None, :])[0]
    cosines = np.einsum("ij,j->i", unit, asked)
    return dict(zip((memory for memory, _ in found), cosines.tolist(), strict=True))


def unit_rows(rows: "np.typing.NDArray[np.int8]") -> "np.typing.NDArray[np.float32]":
    """Return rows at unit length; a row of zeros stays one."""
    floats = rows.astype(np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", floats, floats))
    unit: np.typing.NDArray[np.float32] = floats / np.maximum(lengths, 1.0)[:, None]
    return unit
