import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmws_mcp.embedding.embedder import TokenEmbedder, load_embedder
from tmws_mcp.embedding.static import (
    FOLDER,
    MODEL_FILE,
    ROWS_FILE,
    SCALES_FILE,
    TEXT_CHARS_MAX,
    VOCABULARY_FILE,
    load_static,
)
from tmws_mcp.errors import EmbedderUnavailable

EMBEDDER = load_static()


def similarity(one: str, other: str) -> float:
    first, second = EMBEDDER.encode([one, other])
    return float(first @ second)


@pytest.mark.parametrize(
    ("text", "paraphrase", "unrelated"),
    [
        ("The deploy failed", "The rollout did not succeed", "Bananas are yellow"),
        ("Which port does the server use?", "server listens on port", "she likes hiking in Spain"),
        ("fix the flaky test", "repair the failing unit tests", "order lunch for the team"),
        ("We chose SQLite as the database", "storage is SQLite", "the meeting moved to Monday"),
        ("speed up the query", "optimise database performance", "the cat sleeps on the sofa"),
    ],
)
def test_a_paraphrase_is_nearer_than_an_unrelated_sentence(text, paraphrase, unrelated) -> None:
    assert similarity(text, paraphrase) > similarity(text, unrelated) + 0.1


def test_rows_have_unit_length_and_a_text_without_words_has_none() -> None:
    rows = EMBEDDER.encode(["a memory", "", " \n\t", "🎉", "日本語のメモ"])

    assert rows.shape == (5, EMBEDDER.dimensions) == (5, 256)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 0, 0, 0, 1], abs=1e-6)


def test_no_texts_make_no_rows() -> None:
    assert EMBEDDER.encode([]).shape == (0, 256)


@given(st.lists(st.text(max_size=100), max_size=8))
def test_a_batch_gives_what_each_text_gives_alone(texts: list[str]) -> None:
    batch = EMBEDDER.encode(texts)

    assert np.isfinite(batch).all()
    for row, text in zip(batch, texts, strict=True):
        assert np.array_equal(row, EMBEDDER.encode([text])[0])


def test_case_accents_and_outer_space_do_not_move_a_text() -> None:
    assert similarity("Café Münster", "  cafe munster\n") == pytest.approx(1, abs=1e-6)


def test_only_the_beginning_of_a_very_long_text_is_read() -> None:
    text = "port " * (TEXT_CHARS_MAX // 5)

    assert EMBEDDER.token_ids(text + "banana " * 100_000) == EMBEDDER.token_ids(text)


def test_tokens_can_be_had_one_by_one() -> None:
    ids = EMBEDDER.token_ids("Tokyo 🎉 ports")
    rows = EMBEDDER.token_rows(ids)

    assert isinstance(EMBEDDER, TokenEmbedder)
    assert [EMBEDDER.tokens[index] for index in ids] == ["tokyo", "ports"]
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-6)
    assert EMBEDDER.token_rows([]).shape == (0, 256)
    assert len(EMBEDDER.tokens) <= np.iinfo(np.uint16).max, "ranking stores ids in two bytes"


def test_int8_loses_hardly_anything_of_a_text_s_direction() -> None:
    """The mean of dequantised rows, made in float64, is the same vector."""
    rows, scales = np.load(FOLDER / ROWS_FILE), np.load(FOLDER / SCALES_FILE)
    ids = EMBEDDER.token_ids("which port did we choose for the staging server")
    mean = (rows[ids].astype(np.float64) * scales[ids, None]).mean(axis=0)

    encoded = EMBEDDER.encode(["which port did we choose for the staging server"])[0]

    assert encoded == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)


def test_the_table_stays_in_its_file() -> None:
    table = EMBEDDER._table.rows

    assert table.dtype == np.int8
    assert isinstance(table.base, np.memmap)


def test_the_model_file_describes_what_is_shipped() -> None:
    model = json.loads((FOLDER / MODEL_FILE).read_bytes())

    assert model["licence"] == "Apache-2.0"
    assert model["origin"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert set(model["files"]) == {ROWS_FILE, SCALES_FILE, VOCABULARY_FILE}
    for name, checksum in model["files"].items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == checksum
    assert EMBEDDER.id == model["id"] == f"static256-{model['files'][ROWS_FILE][:8]}"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "static256"))


@pytest.mark.parametrize("name", [MODEL_FILE, ROWS_FILE, SCALES_FILE, VOCABULARY_FILE])
def test_a_missing_file_is_named_together_with_a_remedy(copied: Path, name: str) -> None:
    (copied / name).unlink()

    with pytest.raises(EmbedderUnavailable, match=f"{name}.*pip install --force-reinstall"):
        load_static(copied)


@pytest.mark.parametrize("name", [ROWS_FILE, SCALES_FILE, VOCABULARY_FILE])
def test_a_changed_file_is_refused(copied: Path, name: str) -> None:
    content = bytearray((copied / name).read_bytes())
    content[-1] ^= 1
    (copied / name).write_bytes(content)

    with pytest.raises(EmbedderUnavailable, match=f"{name} of another checksum"):
        load_static(copied)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"files": {}}', b'{"files": 3}', b"\xff"])
def test_a_damaged_description_is_refused(copied: Path, content: bytes) -> None:
    (copied / MODEL_FILE).write_bytes(content)

    with pytest.raises(EmbedderUnavailable, match="pip install --force-reinstall"):
        load_static(copied)


def test_the_settings_name_loads_it() -> None:
    assert load_embedder("static").id == EMBEDDER.id
