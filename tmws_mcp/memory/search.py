"""Searching one namespace: words, identifiers and meaning find candidates, ranking orders them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from tmws_mcp.memory import context
from tmws_mcp.memory.confidence import (
    CONTEXT_SHARE,
    COSINE_ALONE_MIN,
    LOOKED_AT,
    SCORE_FLOOR,
    by_words,
    confidence,
    coverage,
    weights,
)
from tmws_mcp.memory.identifiers import without_codes
from tmws_mcp.memory.meaning import query_vector
from tmws_mcp.memory.ranking import Candidate, Ranked, ranked
from tmws_mcp.memory.words import Query, analysed
from tmws_mcp.store import lexical, memories, threads, vectors
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.selection import Filter
from tmws_mcp.store.threads import Turn

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder

BY_WORDS_MAX = 150
BY_KEYS_MAX = 50
BY_MEANING_MAX = 60
"""sqlite-vec's cost grows with the square of it."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A query as all namespaces are searched with it."""

    query: Query
    space: int | None
    """The table of vectors; None: words alone."""
    vector: bytes
    """Empty where the query has no words that the embedder knows."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A memory that answers a query."""

    id: int
    score: float
    matched: tuple[str, ...]
    shares: Mapping[str, float]


def probe(db: Connection, text: str, embedder: "Embedder | None") -> Probe:
    """Prepare a query: its words, and its vector where vectors can be had."""
    query = analysed(text)
    if embedder is None or not vectors.available(db):
        return Probe(query, None, b"")
    space = vectors.space(db, embedder.id, embedder.dimensions)
    return Probe(query, space, query_vector(embedder, without_codes(text)) if space else b"")


def search(db: Connection, ns: int, probe: Probe, chosen: Filter) -> list[Hit]:
    """Return what a namespace holds that answers the query, best first; nothing if nothing does."""
    if not lexical.exists(db, ns):
        return []
    order = ranked(_candidates(db, ns, probe, chosen), probe.query.text)
    if not order:
        return []
    sure = _confidence(db, ns, probe.query, order[:LOOKED_AT])
    if sure < SCORE_FLOOR:
        return []
    best = max(order[0].sum, 1e-9)
    return [_hit(one, sure * min(max(one.sum / best, 0.0), 1.0)) for one in order]


def _hit(one: Ranked, score: float) -> Hit:
    matched = tuple(name for name, share in one.shares.items() if share > 0 and name != "length")
    return Hit(one.candidate.id, round(score, 3), matched, one.shares)


def _candidates(db: Connection, ns: int, probe: Probe, chosen: Filter) -> list[Candidate]:
    query = probe.query
    words: dict[int, float] = {}
    if query.terms:
        expression = " OR ".join(query.terms)
        words = dict(lexical.search(db, ns, expression, chosen, BY_WORDS_MAX))
    keys = _holders(db, ns, query.keys, chosen)
    cosines = _cosines(db, ns, probe, chosen, [*words, *keys])
    return [
        Candidate(
            id=one.id,
            words=words.get(one.id, 0.0),
            keys=keys.get(one.id, 0.0),
            cosine=cosines.get(one.id),
            actor=one.actor,
            asks=one.asks,
            chars=one.chars,
            in_thread=one.in_thread,
        )
        for one in memories.facts(db, {*words, *keys, *cosines})
    ]


def _holders(db: Connection, ns: int, keys: Sequence[str], chosen: Filter) -> dict[int, float]:
    """Return which share of the query's identifiers each memory holds."""
    found = [lexical.holders(db, ns, f'"{key}"', chosen, BY_KEYS_MAX) for key in keys]
    held = Counter(chain.from_iterable(found))
    return {memory: count / len(keys) for memory, count in held.items()}


def _cosines(
    db: Connection, ns: int, probe: Probe, chosen: Filter, others: Sequence[int]
) -> dict[int, float]:
    if probe.space is None or not probe.vector:
        return {}
    nearest = vectors.nearest(db, probe.space, ns, probe.vector, chosen, BY_MEANING_MAX)
    near = {memory: cosine for memory, cosine in nearest if cosine >= COSINE_ALONE_MIN}
    rest = [memory for memory in dict.fromkeys(others) if memory not in near]
    return near | dict(vectors.cosines(db, probe.space, rest, probe.vector))


def _confidence(db: Connection, ns: int, query: Query, best: Sequence[Ranked]) -> float:
    """Return how sure it is that one of the best candidates is about the query."""
    told = weights(
        query,
        lexical.spread(db, ns, query.terms),
        memories.counted(db, ns, lexical.COUNTED_MAX),
    )
    candidates = {one.candidate.id: one.candidate for one in best}
    turns = threads.turns(db, list(candidates))
    sure = max(
        confidence(coverage(_dated(turn), told), of.cosine, of.keys)
        for turn, of in zip(turns, candidates.values(), strict=True)
    )
    if sure >= SCORE_FLOOR:
        return sure
    # An answer may say nothing of the question itself, and stand right behind it.
    windows = context.current_windows(db, list(candidates))
    around = [coverage(context.surrounding_text(window), told) for window in windows]
    return max(sure, CONTEXT_SHARE * by_words(max(around)))


def _dated(turn: Turn) -> str:
    return f"{context.own_text(turn)} {context.day_words(turn.happened_at)}"
