"""How well does each memory of a namespace say what the query asks, by its own words alone?

BM25 (Robertson and Zaragoza, 2009) over all memories at once: a segment's postings are arrays, so
that a search adds up a few of them instead of visiting memories. The rarest words come first; where
a query would read more than POSTINGS_MAX entries, its commonest words only weigh what the others
have found (ranking sees every word of the candidates anyway).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log

import numpy as np
from numpy.typing import NDArray

from tmws_mcp.memory.search.index import I64, U8, U16, U32
from tmws_mcp.store import forward, segments
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.segments import Posting

POSTINGS_MAX = 400_000
K1, B = 1.2, 0.75
MEMORIES_TOLD_MIN = 50
"""A few memories say nothing about rarity: in the only one each of its words is in all of them."""

Floats = NDArray[np.float32]
Keys = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Spread:
    """How common the words of a query are in a namespace."""

    memories: int
    average: float
    """Words of a memory."""
    holders: Mapping[int, int]
    """In how many memories each of the words stands."""

    def rarity(self, term: int) -> float:
        """Return the weight of a word: its inverse document frequency, as in BM25."""
        n = self.holders.get(term, 0)
        return log(1 + (max(self.memories, n, MEMORIES_TOLD_MIN) - n + 0.5) / (n + 0.5))


@dataclass(frozen=True, slots=True)
class Found:
    """Memories that say something of the query, in no order."""

    memories: Keys
    scores: Floats


@dataclass(frozen=True, slots=True)
class Part:
    """A segment, or the tail, as a search sees it."""

    memories: Keys
    lengths: Floats
    threads: Keys
    """0 for a memory that stands alone."""
    words: Mapping[int, tuple[NDArray[np.integer], Floats]]
    """For each word of the query the places of its memories, and how often they say it."""


class Words:
    """The postings of a query's words in a namespace, read once."""

    def __init__(self, db: Connection, ns: int, terms: Sequence[int]) -> None:
        self._db, self._ns, self._terms = db, ns, list(dict.fromkeys(terms))
        tail = forward.tail(db, ns)
        totals = segments.totals(db, ns)
        self._last = _tail_part(tail, self._terms)
        holders = segments.frequencies(db, ns, self._terms)
        for term, (places, _) in self._last.words.items():
            holders[term] = holders.get(term, 0) + len(places)
        average = totals.words / totals.memories if totals.memories else 1.0
        self.spread = Spread(totals.memories, average, holders)

    @cached_property
    def parts(self) -> list[Part]:
        """The postings; whoever ranks what is known already does without them."""
        return [*_segment_parts(self._db, self._ns, self._affordable()), self._last]

    def _affordable(self) -> list[int]:
        """Return the words that are read, the rarest first."""
        held = self.spread.holders
        ordered = sorted((held[term], term) for term in self._terms if held.get(term))
        ends = np.cumsum([n for n, _ in ordered])
        return [t for (_, t), end in zip(ordered, ends, strict=True) if end <= POSTINGS_MAX] or [
            term for _, term in ordered[:1]
        ]

    def scored(self, weights: Mapping[int, float]) -> Found:
        """Return the memories that hold one of the words, with the sum of their weighted BM25."""
        found = [_scored(part, weights, self.spread.average) for part in self.parts]
        return Found(
            np.concatenate([one.memories for one in found]),
            np.concatenate([one.scores for one in found]),
        )

    def holders(self, term: int) -> Keys:
        """Return the memories that hold a word, newest first."""
        found = [part.memories[part.words[term][0]] for part in self.parts if term in part.words]
        return np.sort(np.concatenate(found))[::-1] if found else np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Said:
    """How often threads say the words of a query."""

    threads_asked: Keys
    """Their keys, ascending."""
    times: Floats
    """For each of them (rows) and each word; a last row of zeros stands for no thread."""
    lengths: Floats
    """Words of each of them, and 0."""
    holders: NDArray[np.int64]
    """In how many threads of the namespace each word is said."""
    threads: int
    """Of the namespace."""


def said_in_threads(words: Words, terms: Sequence[int], asked: Sequence[int]) -> Said:
    """Return how often each of the threads, in ascending order, says each of the terms."""
    read = words.parts if asked else []
    last = max((int(part.threads.max(initial=0)) for part in read), default=0)
    row = np.full(last + 1, len(asked))
    row[list(asked)] = np.arange(len(asked))
    times: Floats = np.zeros((len(asked) + 1, len(terms)), np.float32)
    lengths: Floats = np.zeros(len(asked) + 1, np.float32)
    heard = np.zeros((len(terms) + 1, last + 1), np.bool_)
    for part in read:
        lengths += np.bincount(row[part.threads], part.lengths, len(lengths)).astype(np.float32)
        heard[-1, part.threads] = True
        for column, term in enumerate(terms):
            if term in part.words:
                places, counts = part.words[term]
                at = part.threads[places]
                times[:, column] += np.bincount(row[at], counts, len(times)).astype(np.float32)
                heard[column, at] = True
    times[-1], lengths[-1] = 0.0, 0.0
    held = heard[:, 1:].sum(axis=1)
    return Said(np.array(asked, np.int64), times, lengths, held[:-1], max(int(held[-1]), 1))


def _scored(part: Part, weights: Mapping[int, float], average: float) -> Found:
    total: Floats = np.zeros(len(part.memories), np.float32)
    for term, (places, counts) in part.words.items():
        if weight := weights.get(term, 0.0):
            longer = K1 * (1 - B + B * part.lengths[places] / max(average, 1.0))
            total[places] += weight * counts * (K1 + 1) / (counts + longer)
    hit = np.flatnonzero((total > 0) & (part.memories > 0))
    return Found(part.memories[hit], total[hit])


def _segment_parts(db: Connection, ns: int, terms: Sequence[int]) -> list[Part]:
    words: dict[int, list[Posting]] = {}
    for posting in segments.postings(db, ns, terms) if terms else ():
        words.setdefault(posting.segment, []).append(posting)
    return [
        Part(
            np.frombuffer(one.memories, I64),
            np.frombuffer(one.lengths, U16).astype(np.float32),
            np.frombuffer(one.threads, U32).astype(np.int64),
            {posting.term: _unpacked(posting) for posting in words.get(one.id, ())},
        )
        for one in segments.of_namespace(db, ns)
    ]


def _unpacked(posting: Posting) -> tuple[NDArray[np.integer], Floats]:
    counts = np.frombuffer(posting.counts, U8).astype(np.float32)
    return np.frombuffer(posting.places, U16), counts


def _tail_part(tail: Sequence[forward.Tail], terms: Sequence[int]) -> Part:
    numbers = np.frombuffer(b"".join(one.terms for one in tail), U32)
    counts = np.frombuffer(b"".join(one.counts for one in tail), U8).astype(np.float32)
    places = np.repeat(np.arange(len(tail)), [len(one.counts) for one in tail])
    hits = {term: np.flatnonzero(numbers == term) for term in terms}
    return Part(
        np.array([one.memory for one in tail], np.int64),
        np.array([one.length for one in tail], np.float32),
        np.array([one.thread for one in tail], np.int64),
        {term: (places[hit], counts[hit]) for term, hit in hits.items() if len(hit)},
    )
