"""Searching one namespace: candidates are found, ranked, and judged as a whole.

Imports numpy: only functions import this module.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tmws_mcp.embedding.embedder import TokenEmbedder
from tmws_mcp.memory.language import dates
from tmws_mcp.memory.language.pieces import pieces_of_words
from tmws_mcp.memory.language.words import analysed
from tmws_mcp.memory.search.candidates import Candidates, Probe, candidates, known
from tmws_mcp.memory.search.confidence import SCORE_FLOOR, confidence
from tmws_mcp.memory.search.gather import gathered
from tmws_mcp.memory.search.meaning import query_text, query_vector
from tmws_mcp.memory.search.pool import Pool
from tmws_mcp.memory.search.ranking import Ranking, ranked
from tmws_mcp.store import vectors
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.selection import Filter

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder


class Hit(NamedTuple):
    """A memory that answers a query; a tuple, since a search gives hundreds of them."""

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
    # Of words that its table does not know the built-in embedder makes a vector that says nothing.
    says_nothing = pieces is None and isinstance(embedder, TokenEmbedder)
    vector = query_vector(embedder, query_text(text)) if space and not says_nothing else b""
    return Probe(query, space, vector, pieces, spans)


def search(db: Connection, ns: int, probe: Probe, chosen: Filter) -> list[Hit]:
    """Return what a namespace holds that answers the query, best first; nothing if nothing does."""
    return _judged(db, ns, probe, candidates(db, ns, probe, chosen), chosen)


def among(
    db: Connection, ns: int, probe: Probe, memories: Sequence[int], chosen: Filter
) -> list[Hit]:
    """Rank memories that are known, and nothing else, as `search` would."""
    return _judged(db, ns, probe, known(db, ns, probe, memories, chosen), chosen)


def _judged(db: Connection, ns: int, probe: Probe, found: Candidates, chosen: Filter) -> list[Hit]:
    if not found.memories:
        return []
    question, pool = gathered(db, ns, probe, found, chosen)
    if not pool.candidates:
        return []
    ranking = ranked(question, pool)
    sure = confidence(question, pool, ranking.order, found.compared)
    if sure < SCORE_FLOOR:
        return []
    return _hits(pool, ranking, sure)


def _hits(pool: Pool, ranking: Ranking, sure: float) -> list[Hit]:
    """Return the candidates with their scores: the best has the confidence of the whole answer.

    The others have it by their sums; where the order is not that of the sums, the score of a place
    is never above that of the place before it.
    """
    best = max(float(ranking.sums.max()), 1e-9)
    shares = np.clip(ranking.sums[ranking.order].astype(np.float64) / best, 0.0, 1.0)
    scores = np.round(sure * np.minimum.accumulate(shares), 3).tolist()
    rows = ranking.order.tolist()
    keys = pool.ids[ranking.order].tolist()
    return [Hit(*one, ranking) for one in zip(keys, scores, rows, strict=True)]
