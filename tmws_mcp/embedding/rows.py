"""Rows of vectors, as every embedder gives them."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

TINY = 1e-12  # keeps a row of zeros from being divided by zero


def unit_length(rows: Floats) -> Floats:
    """Return the rows at unit length; a row of zeros stays one."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    unit: Floats = rows / np.maximum(lengths, np.float32(TINY))
    return unit
