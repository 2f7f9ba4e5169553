"""Results that say nearly the same: the best one stands for all.

Vectors that all but coincide may still differ in the one thing that matters, a number or a name,
so that digits and identifiers must be equal too. What is folded is not lost: it is listed with the
one that stands for it.

Imports numpy: only functions import this module.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COSINE_MIN = 0.92
HEAD = 60
"""Results that are compared with each other; what comes later is hardly shown."""


@dataclass(frozen=True, slots=True)
class Fold:
    """A result, and the later ones that it stands for."""

    row: int
    same: tuple[int, ...] = ()


def folded(
    order: Sequence[int], vectors: NDArray[np.float32], specifics: Sequence[Hashable]
) -> list[Fold]:
    """Return the results in their order, each with those that say nearly the same as it.

    `vectors` and `specifics` (digits and identifiers of a text) are indexed by the rows in `order`.
    Nothing is chained: what is folded is near the one that stands for it, not only near another.
    """
    head = list(order[:HEAD])
    rows = vectors[head]
    near = rows @ rows.T >= COSINE_MIN
    stands: dict[int, list[int]] = {}
    for place, row in enumerate(head):
        for first, same in stands.items():
            if near[first, place] and specifics[head[first]] == specifics[row]:
                same.append(row)
                break
        else:
            stands[place] = []
    best = [Fold(head[place], tuple(same)) for place, same in stands.items()]
    return [*best, *(Fold(row) for row in order[HEAD:])]
