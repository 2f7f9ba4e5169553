"""Any dense model that fastembed supports: `fastembed:NAME`, or `fastembed:NAME#FOLDER`.

The folder holds the model's files, for machines that fetch nothing. Without one the model is looked
up among what was fetched before, and fetched only where the settings allow it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tmws_mcp.embedding.embedder import Options, not_installed
from tmws_mcp.embedding.rows import Floats, unit_length
from tmws_mcp.errors import EmbedderUnavailable

TEXT_CHARS_MAX = 8_000  # more than the 512 tokens that most of its models read
BATCH_TEXTS = 32  # a batch is padded to its longest text
THREADS_MAX = 2  # leaves the machine to the agent


class FastEmbedEmbedder:
    """Encodes texts by a model of fastembed; threads may share it."""

    prompt = False

    def __init__(self, name: str, model: Any) -> None:
        self.id = f"fastembed-{name}"
        self._model = model
        self.dimensions = int(self._rows(["one text"]).shape[1])

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return one row of unit length for each text; a zero row where a text is blank."""
        rows = np.zeros((len(texts), self.dimensions), np.float32)
        said = [place for place, text in enumerate(texts) if text.strip()]
        if said:
            rows[said] = self._rows([texts[place][:TEXT_CHARS_MAX] for place in said])
        return unit_length(rows)

    def _rows(self, texts: Sequence[str]) -> Floats:
        try:
            return np.asarray(list(self._model.embed(texts, batch_size=BATCH_TEXTS)), np.float32)
        except Exception as error:  # fastembed passes on what its runtime raises
            raise _unusable(f"cannot be run ({type(error).__name__})", self.id) from error


def load_fastembed(which: str, options: Options) -> FastEmbedEmbedder:
    """Return the model of a name, from a folder or from what was fetched.

    Raises:
        EmbedderUnavailable: fastembed is missing, or the model is not here or is not one of its.
    """
    try:
        from fastembed import TextEmbedding  # noqa: PLC0415 - an extra, and a second
    except ImportError as error:
        raise not_installed("fastembed", "fastembed", error) from error
    name, _, folder = which.partition("#")
    try:
        model = TextEmbedding(
            model_name=name,
            cache_dir=str(options.folder),
            threads=THREADS_MAX,
            local_files_only=not options.download or bool(folder),
            **({"specific_model_path": folder} if folder else {}),
        )
    except Exception as error:  # it raises ValueError, and whatever its fetching and runtime raise
        raise _unusable(f"cannot be loaded ({type(error).__name__}: {error})", name) from error
    return FastEmbedEmbedder(name, model)


def _unusable(problem: str, name: str) -> EmbedderUnavailable:
    return EmbedderUnavailable(
        f"The fastembed model {name[:200]!r} {problem}",
        remedy="Name a model that fastembed lists and a folder with its files "
        "(TMWS_EMBEDDER=fastembed:NAME#/path), or let it be fetched once: "
        "TMWS_EMBEDDER_DOWNLOAD=true.",
    )
