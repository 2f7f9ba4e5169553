"""Any model2vec model: a table of token vectors like the built-in one, with its own tokenizer.

A folder is read as it is. A name of the model hub is looked up among what was fetched before, and
fetched only where the settings allow it: nothing here calls out by itself.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tmws_mcp.embedding.embedder import Options, not_installed
from tmws_mcp.embedding.rows import Floats, unit_length
from tmws_mcp.errors import EmbedderUnavailable

TEXT_CHARS_MAX = 20_000  # a mean over words: what stands behind the first pages hardly moves it
WEIGHTS_FILES, TOKENIZER_FILE = "*.safetensors", "tokenizer.json"


class Model2VecEmbedder:
    """Encodes texts by a model of model2vec; threads may share it."""

    prompt = True

    def __init__(self, name: str, model: Any) -> None:
        self.id = name
        self._model = model
        self.dimensions = int(model.dim)

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return one row of unit length for each text; a zero row where a text has no words."""
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        cut = [text[:TEXT_CHARS_MAX] for text in texts]
        rows = self._model.encode(cut, use_multiprocessing=False)
        return unit_length(np.nan_to_num(np.asarray(rows, np.float32)))


def load_model2vec(which: str, options: Options) -> Model2VecEmbedder:
    """Return the model of a folder or of a name.

    Raises:
        EmbedderUnavailable: model2vec is missing, or the model is not here or cannot be read.
    """
    if not which:
        raise _unusable("has no name", which)
    try:
        from model2vec import StaticModel  # noqa: PLC0415 - an extra, and 300 ms
    except ImportError as error:
        raise not_installed("model2vec", "model2vec", error) from error
    given = Path(which).expanduser()
    folder = given if given.is_dir() else _fetched(which, options)
    try:
        return Model2VecEmbedder(_id(folder, which), StaticModel.from_pretrained(folder))
    except Exception as error:  # several libraries read the files, each with errors of its own
        raise _unusable(f"cannot be read ({type(error).__name__}: {error})", which) from error


def _fetched(which: str, options: Options) -> Path:
    """Return the folder of a model that was fetched before, or may be fetched now."""
    import huggingface_hub  # noqa: PLC0415 - comes with model2vec

    try:
        found = huggingface_hub.snapshot_download(
            which, cache_dir=options.folder, local_files_only=not options.download
        )
    except Exception as error:  # the hub's client has dozens of errors
        problem = "could not be fetched" if options.download else "is no folder, nor fetched before"
        raise _unusable(f"{problem} ({type(error).__name__})", which) from error
    return Path(found)


def _id(folder: Path, which: str) -> str:
    digest = hashlib.sha256()
    for file in (*sorted(folder.glob(WEIGHTS_FILES)), folder / TOKENIZER_FILE):
        digest.update(file.read_bytes())
    return f"model2vec-{Path(which).name[:40]}-{digest.hexdigest()[:8]}"


def _unusable(problem: str, which: str) -> EmbedderUnavailable:
    return EmbedderUnavailable(
        f"The model2vec model {which[:200]!r} {problem}",
        remedy="Name a folder that model2vec saved (TMWS_EMBEDDER=model2vec:/path), or let a named "
        "model be fetched once: TMWS_EMBEDDER_DOWNLOAD=true.",
    )
