"""How near does a memory come to each word of a query, by its nearest word?

The late interaction of ColBERT (Khattab and Zaharia, 2020) without its network: the vectors of the
word pieces are those of the static embedder's table. It finds what is said with a kindred word
where BM25 sees none, and keeps the words apart where one vector for a text blends them.

Imports numpy: only functions import this module.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

NEAR_MIN = 0.4
"""Cosine of two pieces below which they have nothing to do with each other. At .3 noise costs
evidence at 500 tokens, at .5 kindred words are lost."""


def nearest_said(
    asked: Sequence[int],
    pieces: NDArray[np.integer],
    offsets: NDArray[np.integer],
    directions: Callable[[list[int]], Floats],
) -> Floats:
    """Return for each text and each piece asked for the similarity of the text's nearest piece.

    The texts' pieces lie end to end in `pieces`, those of text i from offsets[i] to offsets[i + 1];
    `directions` gives a row of unit length for each piece.
    """
    found: Floats = np.zeros((len(offsets) - 1, len(asked)), np.float32)
    if not len(asked) or not len(pieces):
        return found
    known = np.flatnonzero(np.bincount(pieces))
    alike = directions(known.tolist()) @ directions(list(asked)).T
    alike[alike < NEAR_MIN] = 0.0
    # Few pieces are near any word of the query: only where those stand is there anything to do.
    kindred = np.flatnonzero(alike.any(axis=1))
    line = np.full(int(known[-1]) + 1, -1, np.int64)
    line[known[kindred]] = kindred
    places = np.flatnonzero(line[pieces] >= 0)
    texts = np.searchsorted(offsets, places, side="right") - 1
    np.maximum.at(found, texts, alike[line[pieces[places]]])
    return found
