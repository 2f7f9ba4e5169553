"""The signals of ranking: each a small function of the query and the candidates' columns.

Each gives a number for each candidate, 0 to 1; what needs a thread is 0 for a memory that stands
alone. What each is worth, by leaving it out, is printed by `python -m benchmarks.retrieval
<conversations> --leave-out`; ranking.py weighs them.

Imports numpy: only functions import this module.
"""

import numpy as np
from numpy.typing import NDArray

from tmws_mcp.memory.language.dates import Span
from tmws_mcp.memory.language.traits import Trait, wanted
from tmws_mcp.memory.search.pool import NOBODY, REACH, Flags, Floats, Ints, Pool, Question, gathered

K1, B = 1.2, 0.75  # BM25's usual constants; others gained nothing that held on every conversation
CONTEXT_WEIGHTS = (0.3, 0.3, 0.7, 1.0, 0.4, 0.3, 0.3)
"""Of the words around a memory, by place: what was said before it is what it answers."""
VECTOR_WEIGHTS = (0.2, 0.3, 0.7, 1.0, 0.4, 0.3, 0.2)
COSINE_NONE = -0.05
"""Cosine of texts that have nothing in common, in the static embedding: the zero of `meaning`."""
TINY = np.float32(1e-6)
"""A vector shorter than that has no direction."""
LONG_CHARS = 300
DAY = 86_400.0
YEAR_DAYS = 365.2425
TOLD_WITHIN_DAYS = 10.0
"""Things are told of after they happened: half of them within a week."""
TOLD_BEFORE_DAYS = 4.0
"""And some the days before."""
TOLD_DAYS_MAX = 40.0


def words(question: Question, pool: Pool) -> Floats:
    """BM25 of a memory and its context as weighed fields (Robertson and Zaragoza, 2009)."""
    tf = gathered(pool.tf, pool, CONTEXT_WEIGHTS)
    return _normal(_bm25(tf, _context_length(pool), rarity(question)))


def kindred(question: Question, pool: Pool) -> Floats:
    """BM25 again, of words that are near instead of the same (said.py): a soft frequency."""
    if not pool.said.shape[1]:
        return _zeros(pool)
    tf = gathered(pool.said, pool, CONTEXT_WEIGHTS)
    weights = idf(question.piece_df, question.documents)
    return _normal(_bm25(tf, _context_length(pool), weights))


def meaning(question: Question, pool: Pool) -> Floats:
    """Cosine of the query and the context's vectors, weighed by place: finds paraphrases."""
    mixed = gathered(pool.vectors, pool, VECTOR_WEIGHTS)
    lengths = np.linalg.norm(mixed, axis=1)
    cosines = mixed @ question.vector / np.maximum(lengths, TINY)
    return _normal(np.where(lengths > TINY, cosines - COSINE_NONE, 0.0).astype(np.float32))


def thread(question: Question, pool: Pool) -> Floats:
    """BM25 of the whole thread: which conversation was about it.

    Evidence of the passage and of the document it stands in, together (Callan, 1994).
    """
    weights = idf(question.thread_df, question.threads) * ~question.name_terms
    length = pool.thread_length / max(float(_mean(pool.thread_length)), 1.0)
    return _normal(_bm25(pool.thread_tf, length, weights) * _in_thread(pool))


def answer(question: Question, pool: Pool) -> Floats:
    """BM25 of the question that a memory answers: the turn before it, if that one asks."""
    padded = np.append(pool.traits, np.uint8(0))
    asked = (padded & Trait.ASKS).astype(bool)[pool.around[REACH - 1]]
    before = _bm25(
        np.concatenate([pool.tf, np.zeros((1, pool.tf.shape[1]), np.float32)])[
            pool.around[REACH - 1]
        ],
        np.append(pool.length, np.float32(0))[pool.around[REACH - 1]] / _mean(pool.length),
        rarity(question),
    )
    return _normal(before * asked)


def asks(_: Question, pool: Pool) -> Floats:
    """A turn that asks repeats the words of the question and does not answer it.

    Only within a thread: a memory that stands alone may be a question with its answer.
    """
    asked: Flags = (pool.traits[: pool.candidates] & Trait.ASKS).astype(bool) & _in_thread(pool)
    return asked.astype(np.float32)


def kind(question: Question, pool: Pool) -> Floats:
    """A question for a time or a number is answered by a text that has one (traits.py)."""
    asked_for = wanted(question.text)
    has: Flags = (pool.traits[: pool.candidates] & int(asked_for)) != 0
    return has.astype(np.float32)


def actor(question: Question, pool: Pool) -> Floats:
    """A query that names somebody is mostly about what that one said."""
    of = pool.actors[: pool.candidates]
    return np.array([one in question.named for one in of], np.float32)


def date(question: Question, pool: Pool) -> Floats:
    """Memories of the time that the query names, softly: they are told of afterwards (dates.py)."""
    found = _zeros(pool)
    for span in question.spans:
        found = np.maximum(found, _told_of(span, pool.happened_at[: pool.candidates]))
    return found


def key(_: Question, pool: Pool) -> Floats:
    """A literal key is asked for by the letter: whoever holds it comes first."""
    held: Floats = pool.keys[: pool.candidates]
    return held


def length(_: Question, pool: Pool) -> Floats:
    """Between equals the one that says more; BM25 prefers the shorter one by too much."""
    shown: Floats = np.minimum(
        pool.chars[: pool.candidates] / np.float32(LONG_CHARS), np.float32(1)
    )
    return shown


def _in_thread(pool: Pool) -> Flags:
    in_thread: Flags = pool.threads[: pool.candidates] != NOBODY
    return in_thread


def _told_of(span: Span, happened: NDArray[np.float64]) -> Floats:
    """Return how well a time fits a span: 1 within, less the longer after or before it."""
    days_after, days_before = (happened - span.end) / DAY, (span.start - happened) / DAY
    if span.yearly:
        middle = (span.start + span.end) / 2
        off = (happened - middle) / DAY
        off -= np.round(off / YEAR_DAYS) * YEAR_DAYS
        half = (span.end - span.start) / DAY / 2
        days_after, days_before = off - half, -off - half
    late, early = np.maximum(days_after, 0.0), np.maximum(days_before, 0.0)
    fit = np.exp(-late / TOLD_WITHIN_DAYS - early / TOLD_BEFORE_DAYS)
    fit[~(late < TOLD_DAYS_MAX)] = 0.0  # an unknown time is no time either
    return np.asarray(span.confidence * fit, np.float32)


def _bm25(tf: Floats, relative_length: Floats, weights: Floats) -> Floats:
    """Return BM25 for each row: `relative_length` is 1 for a text of average length."""
    norm = np.float32(K1) * (np.float32(1 - B) + np.float32(B) * relative_length)
    return np.asarray((tf * np.float32(K1 + 1) / (tf + norm[:, None])) @ weights, np.float32)


def _context_length(pool: Pool) -> Floats:
    whole = gathered(pool.length, pool, (1.0,) * len(CONTEXT_WEIGHTS))
    relative: Floats = whole / _mean(whole)
    return relative


def rarity(question: Question) -> Floats:
    """Return the weight of each term; names of actors count only where there is nothing else."""
    telling = ~question.name_terms
    if not telling.any():
        telling = ~telling
    return idf(question.df, question.documents) * telling


def idf(holders: Ints, documents: int) -> Floats:
    """Return the weight of each term by in how many of the documents it occurs."""
    held = np.minimum(holders, documents)
    weights: Floats = np.log1p((documents - held + 0.5) / (held + 0.5)).astype(np.float32)
    return weights


def _mean(column: Floats) -> np.float32:
    return np.float32(max(float(column.mean()), 1e-6)) if len(column) else np.float32(1)


def _zeros(pool: Pool) -> Floats:
    return np.zeros(pool.candidates, np.float32)


def _normal(scores: Floats) -> Floats:
    """Return scores as shares of the best one; nothing where the best is nothing."""
    positive: Floats = np.maximum(scores, 0.0).astype(np.float32)
    best = positive.max(initial=0.0)
    return positive / best if best > 0 else positive
