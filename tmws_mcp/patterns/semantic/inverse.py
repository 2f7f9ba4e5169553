"""The inverse of a symmetric, positive definite matrix, by halves.

numpy offers the one for any matrix, which takes almost three times the arithmetic. By halves
(Strassen, 1969, who divided products too) nearly all of it is products of matrices, which is what
a processor does best.
"""

import numpy as np

from tmws_mcp.embedding.rows import Floats

WHOLE_MAX = 256
"""Up to this many rows numpy inverts the matrix at once."""


def inverse_of(matrix: Floats) -> Floats:
    """Return the inverse of a symmetric, positive definite matrix, in single precision."""
    if len(matrix) <= WHOLE_MAX:
        return np.linalg.inv(matrix).astype(np.float32)
    half = len(matrix) // 2
    first = inverse_of(matrix[:half, :half])
    across = first @ matrix[:half, half:]
    last = inverse_of(matrix[half:, half:] - matrix[half:, :half] @ across)
    corner = -across @ last
    return np.block([[first - corner @ across.T, corner], [corner.T, last]])
