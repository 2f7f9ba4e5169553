"""A sentence transformer from a local folder, run by ONNX Runtime.

For BERT models with an uncased WordPiece vocabulary (MiniLM, BGE and E5 in English, GTE …) as model
hubs lay them out: `model.onnx`, or `onnx/model_quint8*.onnx`, beside `tokenizer.json` or
`vocab.txt`. The WordPiece is our own. A text's vector is the mean over its tokens' vectors, padding
left out, at unit length: what all-MiniLM-L6-v2 was trained for.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tmws_mcp.embedding.embedder import Options, not_installed
from tmws_mcp.embedding.rows import Floats, unit_length
from tmws_mcp.embedding.wordpiece import UNKNOWN, WordPiece
from tmws_mcp.errors import EmbedderUnavailable

MODEL_FILES = (
    # Unsigned before signed: signed weights overflow on x86 processors without VNNI.
    *("model_quint8*.onnx", "model_qint8*.onnx", "model_int8.onnx", "model_quantized.onnx"),
    "model.onnx",
)
TOKENS_MAX = 256  # what MiniLM was trained with; longer texts are cut
TEXT_CHARS_MAX = 8_000  # more than these tokens ever need
BATCH_TEXTS = 32  # texts of like length together: a batch is padded to its longest
THREADS_MAX = 2  # leaves the machine to the agent; more hardly helps short texts
BEGIN, END, PADDING = "[CLS]", "[SEP]", "[PAD]"
INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})

Whole = NDArray[np.int64]


class _Named(Protocol):
    name: str
    shape: Sequence[object]


class _Session(Protocol):
    """The part of onnxruntime.InferenceSession that is used here."""

    def get_inputs(self) -> Sequence[_Named]: ...
    def get_outputs(self) -> Sequence[_Named]: ...
    def run(self, outputs: list[str], inputs: dict[str, Whole]) -> list[Floats]: ...


@dataclass(frozen=True, slots=True)
class Marks:
    """The ids of the tokens that stand around a text."""

    begin: int
    end: int
    padding: int


class OnnxEmbedder:
    """Encodes texts by a transformer; threads may share it."""

    prompt = False

    def __init__(self, name: str, session: _Session, vocabulary: Sequence[str]) -> None:
        self.id = name
        self._session = session
        self._inputs = [one.name for one in session.get_inputs()]
        self._output = _sentence_output(session)
        self._wordpiece = WordPiece(vocabulary)
        self._marks = Marks(*(vocabulary.index(mark) for mark in (BEGIN, END, PADDING)))
        self.dimensions = int(self._pooled([[]]).shape[1])

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return one row of unit length for each text; a zero row where a text has no words."""
        ids = [self._token_ids(text) for text in texts]
        rows = np.zeros((len(texts), self.dimensions), np.float32)
        with_words = (place for place in range(len(texts)) if ids[place])
        by_length = sorted(with_words, key=lambda place: len(ids[place]))
        for start in range(0, len(by_length), BATCH_TEXTS):
            places = by_length[start : start + BATCH_TEXTS]
            rows[places] = self._pooled([ids[place] for place in places])
        return unit_length(rows)

    def _token_ids(self, text: str) -> list[int]:
        unknown = self._wordpiece.unknown
        ids = list(self._wordpiece.ids(text[:TEXT_CHARS_MAX]))[: TOKENS_MAX - 2]
        return ids if any(token != unknown for token in ids) else []

    def _pooled(self, texts: Sequence[Sequence[int]]) -> Floats:
        """Return the mean of each text's token vectors."""
        ids, mask = _padded([(self._marks.begin, *t, self._marks.end) for t in texts], self._marks)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        try:
            (out,) = self._session.run([self._output], {name: given[name] for name in self._inputs})
        except Exception as error:  # the runtime's errors share no class of their own
            raise EmbedderUnavailable(
                f"ONNX Runtime cannot run the model {self.id} ({type(error).__name__})",
                remedy="Take a model exported for sentence embeddings, or another TMWS_EMBEDDER.",
            ) from error
        if out.ndim == 2:  # noqa: PLR2004 - a row for each text: the model pools by itself
            return out.astype(np.float32)
        weights = mask[:, :, None].astype(np.float32)
        means: Floats = (out * weights).sum(axis=1) / weights.sum(axis=1)
        return means


def _padded(texts: Sequence[Sequence[int]], marks: Marks) -> tuple[Whole, Whole]:
    """Return the ids in rows of equal length, and which of them are no padding."""
    longest = max(map(len, texts))
    ids = np.full((len(texts), longest), marks.padding, np.int64)
    mask = np.zeros_like(ids)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    return ids, mask


def _sentence_output(session: _Session) -> str:
    """Return the output to read: the sentence's own vector if there is one, else the tokens'."""
    names = [one.name for one in session.get_outputs()]
    return next((name for name in names if "sentence_embedding" in name), names[0])


def load_onnx(which: str, _options: Options) -> OnnxEmbedder:
    """Return the embedder whose model lies in a folder.

    Raises:
        EmbedderUnavailable: onnxruntime is missing, or the folder holds no model that can be used.
    """
    folder = Path(which).expanduser()
    if not which or not folder.is_dir():
        raise _unusable(folder, "is no folder")
    model = next(_models_in(folder), None)
    if model is None:
        raise _unusable(folder, f"holds none of {', '.join(MODEL_FILES)}")
    vocabulary = _vocabulary(folder)
    session = _session(folder, model)
    odd = sorted({one.name for one in session.get_inputs()} - INPUTS)
    if odd:
        raise _unusable(folder, f"holds a model that asks for {', '.join(odd)}")
    name = f"onnx-{folder.name[:40]}-{_checksum(model, vocabulary)}"
    return OnnxEmbedder(name, session, vocabulary)


def _models_in(folder: Path) -> Iterator[Path]:
    for pattern in MODEL_FILES:
        for place in (folder, folder / "onnx"):
            yield from sorted(place.glob(pattern))


def _vocabulary(folder: Path) -> list[str]:
    """Return the tokens in the order of their ids."""
    try:
        if (file := folder / "vocab.txt").is_file():
            tokens = file.read_text("utf-8").splitlines()
        else:
            tokens = _from_tokenizer(json.loads((folder / "tokenizer.json").read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unusable(folder, f"has no vocabulary that can be read ({error})") from error
    missing = {BEGIN, END, PADDING, UNKNOWN} - set(tokens)
    if missing:
        raise _unusable(folder, f"has a vocabulary without {', '.join(sorted(missing))}")
    return tokens


def _from_tokenizer(described: dict[str, dict[str, object]]) -> list[str]:
    """Return the vocabulary of an uncased WordPiece; another kind is not what we divide by."""
    model, normalizer = described["model"], described.get("normalizer") or {}
    if model.get("type", "WordPiece") != "WordPiece" or normalizer.get("lowercase") is False:
        kind = f"{model.get('type')}, lowercase {normalizer.get('lowercase')}"
        raise ValueError(f"an uncased WordPiece is needed, this is {kind}")
    ids = model["vocab"]
    assert isinstance(ids, dict)
    return sorted(ids, key=ids.__getitem__)


def _session(folder: Path, model: Path) -> _Session:
    try:
        import onnxruntime  # noqa: PLC0415 - 50 MB that only this embedder needs
    except ImportError as error:
        raise not_installed("onnxruntime", "onnx", error) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS_MAX, 1
    options.log_severity_level = 3  # errors: its warnings are about graphs, and go to stderr
    try:
        session: _Session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # the runtime's errors share no class of their own
        problem = f"holds {model.name}, which ONNX Runtime cannot read ({type(error).__name__})"
        raise _unusable(folder, problem) from error
    return session


def _checksum(model: Path, vocabulary: Sequence[str]) -> str:
    """Return what tells one model's vectors from another's."""
    with model.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update("\n".join(vocabulary).encode())
    return digest.hexdigest()[:8]


def _unusable(folder: Path, problem: str) -> EmbedderUnavailable:
    return EmbedderUnavailable(
        f"The embedder's folder {folder} {problem}",
        remedy="Name a folder with model.onnx and tokenizer.json: TMWS_EMBEDDER=onnx:/path.",
    )
