"""How sure is it that something relevant was found at all?

The sum of ranking.py orders candidates of one query; it is relative to the best of them, and there
is always a best. A score that can have a floor needs evidence that is not relative: how much of the
query, weighed by how rare each word is here, the memory says itself, and how near their meanings
are. Calibrated on dialogue, on questions about it and questions about something else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from tmws_mcp.memory.words import Query, folded, stems

LOOKED_AT = 10
"""Best candidates whose texts are read to judge the whole answer."""

COSINE_FLOOR = 0.30
COSINE_SURE = 0.80
SCORE_FLOOR = 0.20


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each word of the query tells in this namespace."""

    by_stem: dict[str, float]

    @property
    def total(self) -> float:
        """Return the weight of the whole query."""
        return sum(self.by_stem.values())


def weights(query: Query, holders: Sequence[int], memories: int) -> Weights:
    """Weigh each word by its rarity: in how many of the memories it occurs."""
    return Weights(
        {
            word: log(1 + (memories - min(n, memories) + 0.5) / (n + 0.5))
            for word, n in zip(query.stems, holders, strict=True)
        }
    )


def coverage(content: str, told: Weights) -> float:
    """Return how much of the query a text says, 0 to 1."""
    if not told.total:
        return 0.0
    said = {word for _, word in stems(folded(content))}
    return sum(weight for word, weight in told.by_stem.items() if word in said) / told.total


def closeness(cosine: float | None) -> float:
    """Return how near two meanings are, 0 (no nearer than strangers) to 1."""
    if cosine is None:
        return 0.0
    return min(max((cosine - COSINE_FLOOR) / (COSINE_SURE - COSINE_FLOOR), 0.0), 1.0)


def evidence(covered: float, cosine: float | None, keys: float) -> float:
    """Return the confidence that a memory is about the query: either evidence may carry it."""
    return 1 - (1 - covered) * (1 - closeness(cosine)) * (1 - keys)
