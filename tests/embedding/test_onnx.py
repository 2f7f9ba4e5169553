"""A transformer from a local folder, run by the real ONNX Runtime."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.embedding import tiny_onnx
from tests.embedding.tiny_onnx import TOKENS, write_folder
from tmws_mcp.embedding.embedder import Embedder, load_embedder
from tmws_mcp.embedding.onnx import TOKENS_MAX
from tmws_mcp.errors import EmbedderUnavailable

pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "tiny")


def load(folder: Path) -> Embedder:
    return load_embedder(f"onnx:{folder}")


def expected(*tokens: str) -> np.ndarray:
    rows = tiny_onnx.table()[[TOKENS.index(token) for token in ("[CLS]", *tokens, "[SEP]")]]
    mean = rows.mean(axis=0)
    return mean / np.linalg.norm(mean)


def test_a_vector_is_the_mean_of_the_tokens_without_the_padding(folder: Path) -> None:
    short, long = load(folder).encode(["Ports", "The deploy of the SERVER failed."])

    assert short == pytest.approx(expected("port", "##s"), abs=1e-5)
    of = "[UNK]"
    words = ("the", "deploy", of, "the", "server", "failed", ".")
    assert long == pytest.approx(expected(*words), abs=1e-5)


def test_dimensions_come_from_the_model_and_the_id_from_its_content(tmp_path: Path) -> None:
    eight = load(write_folder(tmp_path / "a" / "tiny"))
    same = load(write_folder(tmp_path / "b" / "tiny"))
    wider = load(write_folder(tmp_path / "c" / "tiny", tiny_onnx.table(dimensions=12)))

    assert (eight.dimensions, wider.dimensions) == (8, 12)
    assert eight.id == same.id != wider.id
    assert eight.id.startswith("onnx-tiny-")
    assert not eight.prompt


def test_batches_give_what_each_text_gives_alone(folder: Path) -> None:
    embedder = load(folder)
    texts = [" ".join(TOKENS[4 + (i * 7 + j) % 8] for j in range(1 + i % 5)) for i in range(80)]

    together = embedder.encode(texts)

    for row, text in zip(together, texts, strict=True):
        assert row == pytest.approx(embedder.encode([text])[0], abs=1e-5)


def test_a_text_without_known_words_has_a_zero_row_and_no_texts_make_no_rows(folder: Path) -> None:
    rows = load(folder).encode(["", "🎉", "xyzzy", "port"])

    assert np.linalg.norm(rows, axis=1) == pytest.approx([0, 0, 0, 1], abs=1e-5)
    assert load(folder).encode([]).shape == (0, 8)


def test_a_long_text_is_cut_at_what_the_model_was_trained_with(folder: Path) -> None:
    embedder = load(folder)
    fits = "port " * (TOKENS_MAX - 2)

    assert np.array_equal(embedder.encode([fits]), embedder.encode([fits + "banana " * 5_000]))


def test_the_quantised_model_is_taken_before_the_whole_one(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "tiny")
    (folder / "onnx").mkdir()
    small = tiny_onnx.model(tiny_onnx.table(dimensions=4))
    (folder / "onnx" / "model_quint8_avx2.onnx").write_bytes(small)

    assert load(folder).dimensions == 4


def test_a_list_of_words_is_read_where_there_is_one(folder: Path) -> None:
    by_json = load(folder)
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(TOKENS) + "\n")

    assert np.array_equal(load(folder).encode(["ports"]), by_json.encode(["ports"]))
    assert load(folder).id == by_json.id


def test_a_model_that_asks_for_one_input_less_is_served(folder: Path) -> None:
    one_less = tiny_onnx.model(tiny_onnx.table(), inputs=("input_ids", "attention_mask"))
    (folder / "model.onnx").write_bytes(one_less)

    assert load(folder).encode(["ports"])[0] == pytest.approx(expected("port", "##s"), abs=1e-5)


def test_what_cannot_be_used_is_said_with_a_remedy(tmp_path: Path) -> None:
    cases: dict[str, Path] = {"is no folder": tmp_path / "nowhere"}
    (tmp_path / "empty").mkdir()
    cases["holds none of"] = tmp_path / "empty"
    odd = write_folder(tmp_path / "odd")
    (odd / "model.onnx").write_bytes(
        tiny_onnx.model(tiny_onnx.table(), inputs=("input_ids", "pixels"))
    )
    cases["asks for pixels"] = odd
    broken = write_folder(tmp_path / "broken")
    (broken / "model.onnx").write_bytes(b"not a model")
    cases["cannot read"] = broken
    cased = write_folder(tmp_path / "cased")
    described = tiny_onnx.tokenizer()
    described["model"] = {"type": "BPE", "vocab": {}}
    (cased / "tokenizer.json").write_text(json.dumps(described))
    cases["uncased WordPiece"] = cased
    (write_folder(tmp_path / "mute") / "tokenizer.json").write_text("{")
    cases["no vocabulary"] = tmp_path / "mute"

    for problem, place in cases.items():
        with pytest.raises(
            EmbedderUnavailable, match=rf"{problem}.*words alone.*TMWS_EMBEDDER=onnx:/path"
        ):
            load(place)


def test_a_model_that_fails_in_mid_run_is_an_error_of_ours(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(tiny_onnx.model(tiny_onnx.table()[:6]))  # lacks tokens

    with pytest.raises(EmbedderUnavailable, match="cannot run the model"):
        load(folder).encode(["the banana"])
