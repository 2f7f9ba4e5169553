"""How sure is it that something relevant was found at all?

The sum of ranking.py orders the candidates of one query; it is relative to the best of them, and
there is always a best. A score that can have a floor needs evidence that is not relative: how much
of the query the best candidates say, each word weighed by how rare it is here, how much is said
around them and how much by kindred words, whether they are of the time that is asked for, and how
much nearer their meanings are than chance.

A logistic curve over these, fitted on dialogues and on notes that stand alone. What it is
worth is printed by `python -m benchmarks.retrieval <conversations> --confidence`.

Imports numpy: only functions import this module.
"""

from math import exp, log

import numpy as np

from tmws_mcp.memory.search.pool import REACH, Flags, Floats, Ints, Pool, Question
from tmws_mcp.memory.search.signals import date, idf, rarity

LOOKED_AT = 10
"""Best candidates that are looked at to judge the whole answer."""
SCORE_FLOOR = 0.09
"""Below it the answer is empty. Less than one in a hundred questions with an answer falls below."""

AT_NOTHING = -3.54
SAID, SAID_AROUND, SAID_ALIKE = 2.2, 3.0, 2.4
NEARER = 1.8
OF_THAT_TIME = 1.0
"""A date in a query is answered by when a memory happened, and its words are said nowhere."""

CHANCE, CHANCE_GROWS = 0.24, 0.05
"""The nearest of n strangers has a cosine of some CHANCE + CHANCE_GROWS ln n by chance alone."""
ALONE_GROWS, ALONE_WORTH, ALONE_MAX = 0.09, 1.5, 0.6
"""In a small store meaning alone may carry an answer; in a large one something is always near."""
NEARER_UNKNOWN = 0.1
"""What is taken where there are no vectors, so that words alone reach the floor as often."""

COSINE_ALONE_MIN = 0.30
"""The nearest vectors are always there; below it they answer nothing that the words did not."""


def confidence(question: Question, pool: Pool, order: Ints, compared: int) -> float:
    """Return how sure it is that one of the best candidates is about the query.

    `compared` is the number of memories whose vectors were compared with the query.
    """
    rows = order[:LOOKED_AT]
    said = pool.tf > 0
    own = _share(said[rows], rarity(question))
    around = _share(_around(said, pool, rows), rarity(question))
    pieces = idf(question.piece_df, question.documents)
    alike = _share(pool.said[rows], pieces) if pool.said.shape[1] else own
    curve = AT_NOTHING + SAID * own + SAID_AROUND * around + SAID_ALIKE * alike
    curve += OF_THAT_TIME * float(date(question, pool)[rows].max(initial=0.0))
    by_all, by_meaning = _by_meaning(question, pool, rows, max(compared, 1))
    key = float(pool.keys[rows].max(initial=0.0))
    return 1 - (1 - _logistic(curve + by_all)) * (1 - by_meaning) * (1 - key)


def _by_meaning(question: Question, pool: Pool, rows: Ints, compared: int) -> tuple[float, float]:
    """Return what the nearest meaning adds to the curve, and how sure it makes by itself."""
    if not question.vector.any():
        return NEARER * NEARER_UNKNOWN, 0.0
    cosine = float((pool.vectors[rows] @ question.vector).max(initial=0.0))
    alone = ALONE_WORTH * (cosine - ALONE_GROWS * log(compared))
    nearer = cosine - CHANCE - CHANCE_GROWS * log(compared)
    return NEARER * nearer, min(max(alone, 0.0), ALONE_MAX)


def _share(said: Flags | Floats, weights: Floats) -> float:
    """Return the greatest share of the query's words that a row says, by their weights."""
    total = float(weights.sum())
    return float((said @ weights).max(initial=0.0)) / total if total > 0 else 0.0


def _around(said: Flags, pool: Pool, rows: Ints) -> Flags:
    """Return which words a candidate or one of the two beside it says."""
    padded = np.concatenate([said, np.zeros((1, said.shape[1]), np.bool_)])
    beside: Flags = np.any(padded[pool.around[REACH - 1 : REACH + 2, rows]], axis=0)
    return beside


def _logistic(at: float) -> float:
    return 1 / (1 + exp(-at))
