"""Models on the disk: a start takes milliseconds where the examples have not changed.

A file is named by all that it depends on, and is never changed. One that cannot be read, or is not
what its name says, is made anew: it holds nothing that the catalogue does not.
"""

import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from tmws_mcp.embedding.embedder import TokenEmbedder
from tmws_mcp.patterns.semantic.calibration import COMMON, Calibration
from tmws_mcp.patterns.semantic.examples import digest
from tmws_mcp.patterns.semantic.features import Reader
from tmws_mcp.patterns.semantic.kernel import Landmarks
from tmws_mcp.patterns.semantic.model import Model
from tmws_mcp.patterns.semantic.training import Examples
from tmws_mcp.telemetry import get_logger

MODEL_VERSION = 4
"""Raised with any change of how a model is made."""
FILES_MAX = 8
"""Models kept: those of the catalogues that were used last. One of 1,000 patterns takes 15 MB."""

log = get_logger("patterns")

Arrays = dict[str, Any]


def model_name(embedder: TokenEmbedder, names: tuple[str, ...], examples: Examples) -> str:
    """Return the name of the file of the model that these examples make."""
    said = f"{MODEL_VERSION} {embedder.id} {digest(names, examples)}"
    return f"{hashlib.sha256(said.encode()).hexdigest()[:32]}.npz"


def load(
    path: Path, embedder: TokenEmbedder, names: tuple[str, ...], examples: Examples
) -> Model | None:
    """Return the model of the file; None if there is none that can be used."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            model = _model({name: file[name] for name in file.files}, embedder, names, examples)
        os.utime(path)  # the oldest are removed first
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, IndexError) as error:
        log.warning("matching.model_unreadable", error=type(error).__name__)
        return None
    return model


def save(path: Path, model: Model) -> None:
    """Write the model at one stroke, and remove the oldest of too many; failing, go on without."""
    try:
        _make_private(path.parent)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
        try:
            with os.fdopen(descriptor, "wb") as file:
                np.savez(file, **_arrays(model))
            Path(temporary).replace(path)
        finally:
            with suppress(OSError):
                Path(temporary).unlink(missing_ok=True)
        _tidy(path.parent)
    except OSError as error:
        log.warning("matching.model_not_saved", error=type(error).__name__)


def _make_private(folder: Path) -> None:
    """Make a folder and those above it; `parents=True` would leave the upper ones open to all."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(mode=0o700, exist_ok=True)


def _tidy(folder: Path) -> None:
    files = sorted(folder.glob("*.npz"), key=lambda file: -file.stat().st_mtime)
    for file in files[FILES_MAX:]:
        with suppress(OSError):
            file.unlink()


def _arrays(model: Model) -> Arrays:
    reader, landmarks = model.reader, model.landmarks
    return {
        "centre": reader.centre,
        "tokens": reader.tokens,
        "keys": reader.keys,
        "rarity": reader.rarity,
        "directions": reader.directions,
        "vectors": landmarks.vectors,
        "starts": landmarks.starts,
        "rows": landmarks.rows,
        "piece_weights": landmarks.weights,
        "chosen": model.chosen,
        "weights": model.weights,
        "scalars": np.array([reader.unseen, *astuple(model.calibration)], np.float64),
    }


def _are_places(values: Any, count: int) -> bool:
    within = (values >= 0) & (values < count)
    return values.dtype.kind == "i" and bool(within.all())


def _model(
    arrays: Arrays, embedder: TokenEmbedder, names: tuple[str, ...], examples: Examples
) -> Model:
    """Return the model of the arrays.

    Raises:
        ValueError: They do not fit together.
        KeyError: One is not there.
    """
    a = arrays
    unseen, *evidence = (float(value) for value in a["scalars"])
    marks, wide = len(a["chosen"]), 2 * embedder.dimensions
    deep = a["directions"].shape[1]
    fits = (
        a["vectors"].shape == (marks, deep)
        and a["directions"].shape == (wide, deep)
        and a["weights"].shape == (marks, len(names) + 1)
        and len(evidence) == len(COMMON)
        and a["centre"].shape == (wide,)
        and a["tokens"].shape == (len(embedder.tokens),)
        and a["starts"].shape == (len(a["keys"]) + 1,)
        and a["rarity"].shape == a["keys"].shape
        and a["rows"].shape == a["piece_weights"].shape == (int(a["starts"][-1]),)
        and _are_places(a["chosen"], len(examples.texts))
        and _are_places(a["rows"], marks)
    )
    if not fits:
        raise ValueError("the arrays of a model do not fit together")
    reader = Reader(
        embedder, a["centre"], a["tokens"], a["keys"], a["rarity"], unseen, a["directions"]
    )
    landmarks = Landmarks(a["vectors"], a["starts"], a["rows"], a["piece_weights"])
    calibration = Calibration(*evidence)
    return Model(names, examples, reader, landmarks, a["chosen"], a["weights"], calibration)
