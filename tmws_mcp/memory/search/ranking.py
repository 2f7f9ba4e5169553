"""Which of the candidates answers the query best?

A sum of normalised scores, not of reciprocal ranks: ranks throw away by how much the first one was
better, which costs .08 to .28 of recall@10 on dialogue. `SIGNALS` names each signal's weight, and
this is the only place where they meet; what each added is kept, so that a rank can be explained.

The weights are rounded from those that a listwise softmax (ListNet, Cao et al., 2007) found on
four of five long conversations at a time; whichever was left out, no weight moved by more than a
third of itself.

Imports numpy: only functions import this module.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tmws_mcp.memory.search import signals
from tmws_mcp.memory.search.pool import Floats, Ints, Pool, Question
from tmws_mcp.memory.search.variety import asks_for_several, varied

Signal = Callable[[Question, Pool], Floats]

SIGNALS: Mapping[str, tuple[float, Signal]] = {
    "words": (1.0, signals.words),
    "kindred": (1.3, signals.kindred),
    "meaning": (1.7, signals.meaning),
    "thread": (0.4, signals.thread),
    "answer": (0.45, signals.answer),
    "asks": (-0.3, signals.asks),
    "kind": (0.7, signals.kind),
    "actor": (0.37, signals.actor),
    "date": (2.0, signals.date),
    "length": (0.4, signals.length),
    "key": (9.0, signals.key),
}
"""The weight of `key` outweighs all others together; nothing taught it."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The candidates in order."""

    order: Ints
    """Rows of the pool, best first."""
    sums: Floats
    """For each candidate in the pool's order."""
    shares: Mapping[str, Floats]
    """What each signal added, for each candidate."""

    def explained(self, row: int) -> dict[str, float]:
        """Return what each signal added to one candidate's sum."""
        return {name: round(float(share[row]), 4) for name, share in self.shares.items()}


def fused(question: Question, pool: Pool, table: Mapping[str, tuple[float, Signal]]) -> Ranking:
    """Return the candidates in order, best first; among equals the newer one is first."""
    shares = {name: np.float32(weight) * of(question, pool) for name, (weight, of) in table.items()}
    sums: Floats = np.sum(list(shares.values()), axis=0, dtype=np.float32)
    order = np.lexsort((-pool.ids[: pool.candidates], -sums))
    return Ranking(order, sums, shares)


def ranked(
    question: Question, pool: Pool, table: Mapping[str, tuple[float, Signal]] = SIGNALS
) -> Ranking:
    """Return the candidates in order; a question for several things has them from all over."""
    found = fused(question, pool, table)
    if not asks_for_several(question.text):
        return found
    return Ranking(varied(found.order, found.sums, pool.threads), found.sums, found.shares)
