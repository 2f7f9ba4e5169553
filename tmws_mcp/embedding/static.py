"""The default embedder: a text is the mean of its tokens' vectors, looked up in a table.

The table was distilled from all-MiniLM-L6-v2 (see docs/decisions and scripts/
make_embedding_table.py): no network runs here, which makes a vector cost microseconds and the
package need nothing but numpy. The table stays int8 in a memory-mapped file, with a scale for each
row, and only the rows of a text are ever made float: as float32 it would take 30 MB more.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tmws_mcp.embedding.wordpiece import WordPiece
from tmws_mcp.errors import EmbedderUnavailable

FOLDER = Path(__file__).parent / "static256"
MODEL_FILE = "model.json"
ROWS_FILE, SCALES_FILE, VOCABULARY_FILE = "rows.npy", "scales.npy", "vocabulary.txt"
TEXT_CHARS_MAX = 20_000  # what comes after it changes the mean of so many tokens hardly at all
TINY = 1e-12  # keeps a row of zeros from being divided by zero

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class TokenTable:
    """A vector for each token: int8 rows, each with the scale that makes it float again."""

    rows: NDArray[np.int8]
    scales: Floats

    def total(self, ids: Sequence[int]) -> Floats:
        """Return the sum of the tokens' vectors."""
        total: Floats = self.scales[ids] @ self.rows[ids].astype(np.float32)
        return total

    def directions(self, ids: Sequence[int]) -> Floats:
        """Return the tokens' vectors at unit length, which needs no scale."""
        return _unit_length(self.rows[list(ids)].astype(np.float32))


class StaticEmbedder:
    """Encodes texts by a table of token vectors; threads may share it."""

    def __init__(self, name: str, tokens: Sequence[str], table: TokenTable) -> None:
        self.id = name
        self.tokens = tokens
        self.dimensions = int(table.rows.shape[1])
        self._table = table
        self._wordpiece = WordPiece(tokens)

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return one row of unit length for each text; a zero row where a text has no words."""
        return self.encode_tokens([self.token_ids(text) for text in texts])

    def encode_tokens(self, texts: Sequence[Sequence[int]]) -> Floats:
        """Return what `encode` does for texts whose tokens are known already."""
        totals: Floats = np.zeros((len(texts), self.dimensions), np.float32)
        for row, ids in enumerate(texts):
            if ids:
                totals[row] = self._table.total(ids)
        return _unit_length(totals)

    def token_ids(self, text: str) -> list[int]:
        """Return the ids of a text's tokens in their order; unknown ones mean nothing."""
        unknown = self._wordpiece.unknown
        return [i for i in self._wordpiece.ids(text[:TEXT_CHARS_MAX]) if i != unknown]

    def token_rows(self, ids: Sequence[int]) -> Floats:
        """Return one row of unit length for each token id."""
        return self._table.directions(ids)


def _unit_length(rows: Floats) -> Floats:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    unit: Floats = rows / np.maximum(lengths, np.float32(TINY))
    return unit


def load_static(folder: Path = FOLDER) -> StaticEmbedder:
    """Return the embedder whose files lie in a folder, after comparing their checksums.

    Raises:
        EmbedderUnavailable: A file is missing, or is not the one that was published.
    """
    try:
        model = json.loads((folder / MODEL_FILE).read_bytes())
        _check_files(folder, model["files"])
        tokens = (folder / VOCABULARY_FILE).read_text(encoding="utf-8").splitlines()
        rows, scales = np.load(folder / ROWS_FILE, mmap_mode="r"), np.load(folder / SCALES_FILE)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unusable(folder, f"cannot be read: {error}") from error
    return StaticEmbedder(model["id"], tokens, TokenTable(rows.view(np.ndarray), scales))


def _check_files(folder: Path, sha256_of: dict[str, Any]) -> None:
    for name in (ROWS_FILE, SCALES_FILE, VOCABULARY_FILE):
        with (folder / name).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256_of[name]:
            raise _unusable(folder, f"hold a {name} of another checksum ({found[:12]}...)")


def _unusable(folder: Path, problem: str) -> EmbedderUnavailable:
    return EmbedderUnavailable(
        f"The embedder's files in {folder} {problem}, so recall uses words alone. "
        "Install the package again: pip install --force-reinstall tmws-mcp."
    )
