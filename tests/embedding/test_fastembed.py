"""A fastembed model out of a local folder, by fastembed's own loading code."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.embedding import tiny_onnx
from tmws_mcp.embedding.embedder import Options, load_embedder
from tmws_mcp.errors import EmbedderUnavailable

pytest.importorskip("fastembed", reason="the extra fastembed is not installed")

NAME = "sentence-transformers/all-MiniLM-L6-v2"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Lay a tiny model out as fastembed expects that name's files."""
    folder = tiny_onnx.write_folder(tmp_path / "tiny", tiny_onnx.table(dimensions=384))
    (folder / "config.json").write_text(json.dumps({"pad_token_id": 0}))
    marks = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    (folder / "special_tokens_map.json").write_text(json.dumps(marks))
    described = {"model_max_length": 256, "pad_token": "[PAD]", "max_length": 256}
    (folder / "tokenizer_config.json").write_text(json.dumps(described))
    return folder


def test_a_local_folder_is_loaded_and_encodes(folder: Path) -> None:
    embedder = load_embedder(f"fastembed:{NAME}#{folder}")
    rows = embedder.encode(["ports", "the deploy of the server failed", " "])

    assert embedder.id == f"fastembed-{NAME}"
    assert embedder.dimensions == 384
    assert not embedder.prompt
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 0], abs=1e-5)
    assert embedder.encode([]).shape == (0, 384)


def test_a_model_that_was_never_fetched_is_not_fetched_by_itself(tmp_path: Path) -> None:
    with pytest.raises(EmbedderUnavailable, match=r"cannot be loaded.*TMWS_EMBEDDER_DOWNLOAD=true"):
        load_embedder(f"fastembed:{NAME}", Options(folder=tmp_path / "models"))


def test_a_name_that_it_does_not_know_is_said(tmp_path: Path) -> None:
    with pytest.raises(EmbedderUnavailable, match=r"no-such-model.*is not supported"):
        load_embedder("fastembed:no-such-model", Options(folder=tmp_path))
