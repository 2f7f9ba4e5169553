"""Vectors that were made beforehand, in the place of their embedder.

A slow embedder must not be asked while a transaction is open. So a query is embedded first, and
what searches the store gets this: it looks like the embedder, and knows these texts only.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tmws_mcp.embedding.embedder import Embedder


class Ready:
    """Gives the vectors of texts that were encoded before; a zero row for any other."""

    prompt = False
    """Not for texts that are to be stored: it does not know them."""

    def __init__(self, embedder: "Embedder", rows: "Mapping[str, NDArray[np.float32]]") -> None:
        self.id, self.dimensions = embedder.id, embedder.dimensions
        self._rows = rows

    def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return one row for each text."""
        import numpy as np  # noqa: PLC0415 - 90 ms that a start must not pay

        rows = np.zeros((len(texts), self.dimensions), np.float32)
        for place, text in enumerate(texts):
            if (known := self._rows.get(text)) is not None:
                rows[place] = known
        return rows
