"""How sure is it that something relevant was found at all?

The sum of ranking.py orders the candidates of one query; it is relative to the best of them, and
there is always a best. A score that can have a floor needs evidence that is not relative: how much
of the query the memory says itself, each word weighed by how rare it is here, and how near their
meanings are.

Calibrated on five long dialogues: 654 questions about them whose evidence was found, and 800 about
something else. How much of the query is said tells the two apart best (area under the curve .88);
the cosine alone does it badly (.70), since in thousands of turns one is always near by chance, but
it is all that a paraphrase has.
"""

from collections.abc import Mapping, Sequence
from math import exp, log

from tmws_mcp.memory.words import Query, folded, vocabulary

LOOKED_AT = 10
"""Best candidates whose texts are read to judge the whole answer."""

SCORE_FLOOR = 0.12
"""Below it the answer is empty. Of the questions with an answer none falls below it, and .6 % by
words alone. Half of them reach .85; half of those about something else stay below .47."""

MEMORIES_TOLD_MIN = 50

# The logistic curve fitted to the share of the query that is said.
SLOPE, MIDDLE = 7.5, 0.44
NOTHING_SAID = 1 / (1 + exp(SLOPE * MIDDLE))

# Short strangers mostly stay below .25; paraphrases without a common word begin at .34.
COSINE_FLOOR = 0.23
COSINE_SURE = 0.78
COSINE_ALONE_MIN = 0.30
"""The nearest vectors are always there; below it they answer nothing that the words did not."""
MEANING_MAX = 0.6
"""A cosine alone is never more than that."""
CONTEXT_SHARE = 0.6
"""What it is worth that the query is said around a memory, and not by it."""
MEANING_UNKNOWN = 0.08
"""What a memory without a vector is given, so that words alone reach the floor as often."""


def weights(query: Query, holders: Sequence[int], memories: int) -> dict[str, float]:
    """Weigh each word of a query by its rarity: in how many of the memories it occurs.

    A few memories say nothing about rarity: in the only one each of its words is in all of them.
    """
    told = max(memories, MEMORIES_TOLD_MIN)
    return {
        word: log(1 + (told - min(n, told) + 0.5) / (n + 0.5))
        for word, n in zip(query.stems, holders, strict=True)
    }


def coverage(content: str, weights: Mapping[str, float]) -> float:
    """Return how much of the query a text says, 0 to 1."""
    total = sum(weights.values())
    if not total:
        return 0.0
    said = vocabulary(folded(content))
    return sum(weight for word, weight in weights.items() if word in said) / total


def by_words(covered: float) -> float:
    """Return the confidence that the words alone give.

    >>> [round(by_words(share), 2) for share in (0.0, 0.25, 0.5, 1.0)]
    [0.0, 0.16, 0.6, 0.98]
    """
    curve = 1 / (1 + exp(-SLOPE * (covered - MIDDLE)))
    return (curve - NOTHING_SAID) / (1 - NOTHING_SAID)


def by_meaning(cosine: float | None) -> float:
    """Return the confidence that the meaning alone gives."""
    if cosine is None:
        return MEANING_UNKNOWN
    near = (cosine - COSINE_FLOOR) / (COSINE_SURE - COSINE_FLOOR)
    return MEANING_MAX * min(max(near, 0.0), 1.0)


def confidence(covered: float, cosine: float | None, keys: float) -> float:
    """Return how sure it is that a memory is about the query: any of the three may carry it."""
    return 1 - (1 - by_words(covered)) * (1 - by_meaning(cosine)) * (1 - keys)
