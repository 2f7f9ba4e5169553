"""A model2vec model, saved by model2vec itself."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.embedding import tiny_onnx
from tmws_mcp.embedding.embedder import Options, load_embedder
from tmws_mcp.errors import EmbedderUnavailable

model2vec = pytest.importorskip("model2vec", reason="the extra model2vec is not installed")
tokenizers = pytest.importorskip("tokenizers", reason="it comes with model2vec")


def saved(folder: Path, dimensions: int = 8) -> Path:
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps(tiny_onnx.tokenizer()))
    rows = tiny_onnx.table(dimensions)
    rows[0] = 0.0
    model2vec.StaticModel(rows, tokenizer, normalize=True).save_pretrained(folder)
    return folder


def test_a_saved_folder_is_read_without_a_network(tmp_path: Path) -> None:
    embedder = load_embedder(f"model2vec:{saved(tmp_path / 'tiny')}")
    rows = embedder.encode(["ports", "the banana", ""])

    mean = tiny_onnx.table()[[6, 9]].mean(axis=0)
    assert rows[0] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 0], abs=1e-5)
    assert embedder.encode([]).shape == (0, 8)
    assert embedder.prompt


def test_another_table_is_another_embedder(tmp_path: Path) -> None:
    eight, same, four = (
        load_embedder(f"model2vec:{saved(tmp_path / name / 'tiny', size)}")
        for name, size in (("a", 8), ("b", 8), ("c", 4))
    )

    assert eight.id == same.id != four.id
    assert four.dimensions == 4


def test_a_name_that_was_never_fetched_is_not_fetched_by_itself(tmp_path: Path) -> None:
    options = Options(folder=tmp_path / "models")

    with pytest.raises(
        EmbedderUnavailable, match=r"nor fetched before.*TMWS_EMBEDDER_DOWNLOAD=true"
    ):
        load_embedder("model2vec:minishlab/potion-base-8M", options)


@pytest.mark.parametrize("content", [b"", b"not a table"])
def test_a_folder_that_cannot_be_read_is_said_with_a_remedy(tmp_path: Path, content: bytes) -> None:
    folder = saved(tmp_path / "tiny")
    (folder / "model.safetensors").write_bytes(content)

    with pytest.raises(EmbedderUnavailable, match=r"cannot be read.*TMWS_EMBEDDER=model2vec:/path"):
        load_embedder(f"model2vec:{folder}")


def test_without_a_name_it_says_what_to_write() -> None:
    with pytest.raises(EmbedderUnavailable, match=r"has no name.*TMWS_EMBEDDER=model2vec:/path"):
        load_embedder("model2vec:")
