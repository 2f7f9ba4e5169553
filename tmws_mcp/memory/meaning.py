"""Vectors of texts as the store keeps them.

Each vector is scaled by 127/max|x|: a fixed scale wastes most of the eight bits (.96 of the exact
answer's recall instead of .998). Cosine does not see the scale.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tmws_mcp.memory.identifiers import without_codes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tmws_mcp.embedding.embedder import Embedder

PEAK = 127


def quantised(rows: "NDArray[np.float32]") -> list[bytes]:
    """Return each row as int8; nothing for a row without direction, or that is no number.

    sqlite-vec would take such a row, and its distance to everything is not a number.
    """
    import numpy as np  # noqa: PLC0415 - 90 ms that a start must not pay

    peaks = np.abs(rows).max(axis=1, initial=0.0)
    usable = np.isfinite(peaks) & (peaks > 0)
    scaled = np.where(usable[:, None], rows, 0.0) * (PEAK / np.where(usable, peaks, 1.0))[:, None]
    whole = np.rint(scaled).astype(np.int8)
    return [row.tobytes() if good else b"" for row, good in zip(whole, usable, strict=True)]


def query_text(query: str) -> str:
    """Return what a query's vector is made of; whoever makes it beforehand takes the same."""
    return without_codes(query)


def query_vector(embedder: "Embedder", text: str) -> bytes:
    """Return a text's vector; nothing where it has no words that the embedder knows."""
    return quantised(embedder.encode([text]))[0]


def similarities(embedder: "Embedder", text: str, others: Sequence[str]) -> list[float]:
    """Return the cosine of a text with each of the others, each taken by itself."""
    rows = embedder.encode([text, *others])
    return [float(cosine) for cosine in rows[1:] @ rows[0]]
