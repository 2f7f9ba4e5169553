"""Which vectors are near, told from one bit of each dimension.

A vector is turned at random (the signs of a Walsh-Hadamard transform, which spreads what the first
dimensions of a distilled model hold over all of them), and the sign of each dimension is kept: 32
bytes instead of 256. The share of equal bits tells the angle (Charikar, 2002). A search counts bits
of all vectors, weighs the nearest ASKED of them against the unrounded query, and the caller
measures the best of those exactly. decisions/ has what it finds of the exact answer, and what it
costs.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

BY_BITS_MAX = 4_000
"""Vectors whose bits are weighed against the query's own numbers."""
SEED = 256

Floats = NDArray[np.float32]
Bits = NDArray[np.uint8]


def sketches(rows: NDArray[np.int8] | Floats) -> Bits:
    """Return the bits of each row, packed; a row of zeros has none."""
    return np.packbits(_turned(rows.astype(np.float32)) > 0, axis=1)


def nearest(bits: Bits, query: Floats, limit: int) -> NDArray[np.intp]:
    """Return the rows of `bits` that are nearest to a query, nearest first."""
    turned = _turned(query[None, :])
    close = _by_bits(bits, np.packbits(turned > 0, axis=1)[0])
    signs = np.unpackbits(bits[close], axis=1).astype(np.float32)
    # Not `@`: on a busy machine the threads of a BLAS wait for each other a hundred times longer.
    weighed = np.einsum("ij,j->i", signs, turned[0])
    order = np.argsort(-weighed, kind="stable")[:limit]
    return close[order]


def _by_bits(bits: Bits, query: Bits) -> NDArray[np.intp]:
    """Return the rows with most bits in common with the query's, at least BY_BITS_MAX of them."""
    if len(bits) <= BY_BITS_MAX:
        return np.arange(len(bits))
    differing = np.zeros(len(bits), np.uint16)
    words = np.ascontiguousarray(bits.view(np.uint64).T)
    for word, asked in zip(words, query.view(np.uint64), strict=True):
        differing += np.bitwise_count(word ^ asked)
    reached = np.cumsum(np.bincount(differing))
    return np.flatnonzero(differing <= np.searchsorted(reached, BY_BITS_MAX))


def _turned(rows: Floats) -> Floats:
    """Return the rows turned, padded to a power of two."""
    width = 1 << (rows.shape[1] - 1).bit_length()
    turned = np.zeros((len(rows), max(width, 64)), np.float32)
    turned[:, : rows.shape[1]] = rows * _signs(rows.shape[1])
    half = 1
    while half < turned.shape[1]:
        pairs = turned.reshape(len(rows), -1, 2, half)
        turned = np.stack(
            (pairs[:, :, 0] + pairs[:, :, 1], pairs[:, :, 0] - pairs[:, :, 1]), axis=2
        ).reshape(len(rows), -1)
        half *= 2
    return turned


@cache
def _signs(dimensions: int) -> Floats:
    drawn = np.random.default_rng(SEED).integers(0, 2, dimensions)
    return (2 * drawn - 1).astype(np.float32)
