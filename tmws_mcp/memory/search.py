"""Searching one namespace: candidates are found, ranked, and judged as a whole.

Imports numpy: only functions import this module.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tmws_mcp.memory import dates
from tmws_mcp.memory.candidates import Candidates, Probe, candidates
from tmws_mcp.memory.confidence import LOOKED_AT, SCORE_FLOOR, confidence, coverage
from tmws_mcp.memory.gather import gathered
from tmws_mcp.memory.meaning import query_text, query_vector
from tmws_mcp.memory.pieces import pieces_of_words
from tmws_mcp.memory.pool import Pool, Question
from tmws_mcp.memory.ranking import Ranking, ranked
from tmws_mcp.memory.terms import number
from tmws_mcp.memory.words import Query, analysed
from tmws_mcp.store import threads, vectors
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.selection import Filter

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder


@dataclass(frozen=True, slots=True)
class Hit:
    """A memory that answers a query."""

    id: int
    score: float
    row: int
    ranking: Ranking

    @property
    def shares(self) -> Mapping[str, float]:
        """Return what each signal added to its place."""
        return self.ranking.explained(self.row)

    @property
    def matched(self) -> tuple[str, ...]:
        """Return the signals that found it."""
        return tuple(name for name, share in self.shares.items() if share > 0 and name != "length")


def probe(db: Connection, text: str, embedder: "Embedder | None", now: float) -> Probe:
    """Prepare a query: its words, and its vector where vectors can be had."""
    query = analysed(text)
    pieces, spans = pieces_of_words(query.words), dates.spans(text, now)
    if embedder is None or not vectors.available(db):
        return Probe(query, None, b"", pieces, spans)
    space = vectors.space(db, embedder.id, embedder.dimensions)
    vector = query_vector(embedder, query_text(text)) if space else b""
    return Probe(query, space, vector, pieces, spans)


def search(db: Connection, ns: int, probe: Probe, chosen: Filter) -> list[Hit]:
    """Return what a namespace holds that answers the query, best first; nothing if nothing does."""
    found = candidates(db, ns, probe, chosen)
    if not found.memories:
        return []
    question, pool = gathered(db, ns, probe, found, chosen)
    if not pool.candidates:
        return []
    ranking = ranked(question, pool)
    sure = _confidence(db, probe.query, found, question, pool, ranking)
    if sure < SCORE_FLOOR:
        return []
    best = max(float(ranking.sums.max()), 1e-9)
    scores = np.round(sure * np.clip(ranking.sums / best, 0.0, 1.0), 3)
    return [
        Hit(memory, score, row, ranking)
        for memory, score, row in zip(
            pool.ids[ranking.order].tolist(),
            scores[ranking.order].tolist(),
            ranking.order.tolist(),
            strict=True,
        )
    ]


def _confidence(
    db: Connection,
    query: Query,
    found: Candidates,
    question: Question,
    pool: Pool,
    ranking: Ranking,
) -> float:
    """Return how sure it is that one of the best candidates is about the query."""
    told = {stem: found.words.spread.rarity(number(stem)) for stem in query.stems}
    rows: Sequence[int] = ranking.order[:LOOKED_AT].tolist()
    turns = {turn.id: turn for turn in threads.turns(db, pool.ids[list(rows)].tolist())}
    cosines = pool.vectors[list(rows)] @ question.vector
    return max(
        confidence(
            coverage(f"{turns[int(pool.ids[row])].said} {turns[int(pool.ids[row])].labels}", told),
            float(cosine),
            float(pool.keys[row]),
        )
        for row, cosine in zip(rows, cosines, strict=True)
    )
