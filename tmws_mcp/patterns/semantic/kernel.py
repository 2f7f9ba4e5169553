"""How alike a query is to each of some example texts, the landmarks.

Similarity is a weighted mean of three cosines (see features.py), and counts through a Gaussian of
the distance: a near example then weighs much more than several that are somewhat alike, which
brought five points of accuracy over similarities that are summed as they are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tmws_mcp.embedding.rows import Floats
from tmws_mcp.patterns.semantic.features import Pieces, Read

SHARPNESS = 3.0
"""A landmark at similarity 0 weighs exp(-3), a twentieth of one that is equal."""
BLOCK = 64
"""Texts that are compared at once: numpy's own time for each call is shared, and memory bounded."""


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Example texts, laid out so that one pass compares a query with all of them."""

    vectors: Floats
    """One row for each landmark."""
    starts: NDArray[np.int32]
    """Where the entries of each piece begin in the two lists below; one more than pieces."""
    rows: NDArray[np.int32]
    weights: Floats

    def __len__(self) -> int:
        return len(self.vectors)

    def alike(self, read: Read) -> Floats:
        """Return a row for each text: its similarity to each landmark, -1 to 1."""
        similar = read.vectors @ self.vectors.T
        for first in range(0, len(read), BLOCK):
            block = slice(first, first + BLOCK)
            similar[block] += self._shared(read.pieces[block])
        return similar

    def _shared(self, found: tuple[Pieces, ...]) -> Floats:
        keys = np.concatenate([pieces.keys for pieces in found])
        firsts, lasts = self.starts[keys], self.starts[keys + 1]
        counts = lasts - firsts
        # All entries of all pieces as one list of places, without a loop over the pieces.
        offsets = np.repeat(firsts - np.concatenate(([0], np.cumsum(counts)[:-1])), counts)
        places = offsets + np.arange(len(offsets))
        texts = np.repeat(np.arange(len(found)), [len(pieces.keys) for pieces in found])
        shared = np.bincount(
            self.rows[places] + np.repeat(texts * len(self), counts),
            self.weights[places] * np.repeat(np.concatenate([p.weights for p in found]), counts),
            minlength=len(found) * len(self),
        )
        return shared.reshape(len(found), len(self)).astype(np.float32)


def lay_out(read: Read, pieces: int) -> Landmarks:
    """Return the landmarks at these texts; `pieces` is how many the reader knows."""
    keys = np.concatenate([one.keys for one in read.pieces]).astype(np.int64)
    rows = np.repeat(np.arange(len(read), dtype=np.int32), [len(p.keys) for p in read.pieces])
    weights = np.concatenate([one.weights for one in read.pieces])
    order = np.argsort(keys, kind="stable")
    starts = np.searchsorted(keys[order], np.arange(pieces + 1)).astype(np.int32)
    return Landmarks(read.vectors, starts, rows[order], weights[order])


def nearness(similar: Floats) -> Floats:
    """Return what similarities weigh: 1 for a text that is equal, next to nothing far away."""
    near: Floats = np.exp(np.float32(SHARPNESS) * (similar - np.float32(1)))
    return near
