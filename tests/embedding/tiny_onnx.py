"""A transformer of a few hundred bytes: it looks token vectors up, as a real file of ONNX.

Written in protobuf's own encoding, so that no package is needed to make it: a field is its number
and its kind, then its value; a message within a message is bytes with a length.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

INT64, FLOAT = 7, 1
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
TOKENS = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]"),
    *("deploy", "failed", "port", "server", "banana", "##s", "the", "."),
)


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


def field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def value_info(name: str, kind: int, shape: Sequence[str | int]) -> bytes:
    sizes = (field(1, size) if isinstance(size, int) else field(2, size) for size in shape)
    dimensions = b"".join(field(1, size) for size in sizes)
    tensor = field(1, kind) + field(2, dimensions)
    return field(1, name) + field(2, field(1, tensor))


def tensor(name: str, rows: np.ndarray) -> bytes:
    sizes = b"".join(field(1, size) for size in rows.shape)
    return sizes + field(2, FLOAT) + field(8, name) + field(9, rows.astype("<f4").tobytes())


def model(
    table: np.ndarray, inputs: Iterable[str] = INPUTS, output: str = "last_hidden_state"
) -> bytes:
    """Return a model whose token vectors are the rows of the table."""
    gather = field(1, "table") + field(1, "input_ids") + field(2, output) + field(4, "Gather")
    graph = (
        field(1, gather)
        + field(2, "tiny")
        + field(5, tensor("table", table))
        + b"".join(field(11, value_info(name, INT64, ("batch", "tokens"))) for name in inputs)
        + field(12, value_info(output, FLOAT, ("batch", "tokens", table.shape[1])))
    )
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13))


def table(dimensions: int = 8, seed: int = 1) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(len(TOKENS), dimensions)).astype(np.float32)
    rows[0] = 1e6  # of the padding: whoever counts it in is seen at once
    return rows


def write_folder(folder: Path, rows: np.ndarray | None = None) -> Path:
    """Lay a model out as a model hub does."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(model(table() if rows is None else rows))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer()))
    return folder


def tokenizer() -> dict[str, object]:
    """Return the description of the tokenizer, as the library `tokenizers` writes it."""
    vocabulary = {token: index for index, token in enumerate(TOKENS)}
    return {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": {
            "type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
            "strip_accents": None, "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary,
        },
    }  # fmt: skip
