"""A text as two vectors and its pieces of letters: what two texts can have in common.

The first vector is the embedder's own, in which common words weigh little by what was seen of the
language. In the second a word weighs by how rare it is among the examples at hand: "please" tells
nothing where each example says it. Pieces of two to four characters, across the borders of words,
see inflections, slips, names, and what no vocabulary knows.

The vectors are kept along the directions in which the examples differ most (principal components),
a quarter of all: nothing is lost in accuracy, and a comparison costs a quarter.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tmws_mcp.embedding.embedder import TokenEmbedder
from tmws_mcp.embedding.rows import Floats, unit_length
from tmws_mcp.patterns.semantic.words import normalised

CHARS_MAX = 400
"""Of a query; what comes after that is material, and an example has no more than 500."""
PIECE_CHARS = (2, 3, 4)
# The shares of the three in a similarity; measured with the rest, see the package.
OWN_WEIGHT, RARE_WEIGHT, PIECES_WEIGHT = 1.0, 1.0, 1.2
DIRECTIONS_MAX = 128
COMMON_SHARE, COMMON_MIN = 0.05, 20
"""A piece in more of the examples than that tells little, and costs most of the time."""
_TOTAL = OWN_WEIGHT + RARE_WEIGHT + PIECES_WEIGHT
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: spreads neighbours far apart

Keys = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Pieces:
    """The pieces of a text: distinct keys in ascending order, and how much each weighs."""

    keys: Keys
    weights: Floats


@dataclass(frozen=True, slots=True)
class Read:
    """Texts as they were read."""

    vectors: Floats
    """A row for each: a product of two is what they share of similarity but for the pieces."""
    pieces: tuple[Pieces, ...]

    def __len__(self) -> int:
        return len(self.pieces)

    def take(self, places: Sequence[int] | NDArray[np.intp]) -> "Read":
        """Return the texts at these places."""
        return Read(self.vectors[places], tuple(self.pieces[place] for place in places))


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads texts as the examples taught it: the rarity of words and pieces, the centre of all."""

    embedder: TokenEmbedder
    centre: Floats
    """The mean of each vector over the examples, side by side: all texts have that in common."""
    tokens: Floats
    """How rare each token of the embedder's vocabulary is."""
    keys: Keys
    rarity: Floats
    """How rare each known piece is."""
    unseen: float
    """How rare a piece is that stands in no example."""
    directions: Floats
    """Those that are kept of both vectors, as columns."""

    def read(self, texts: Sequence[str]) -> Read:
        """Return what the texts can have in common with others."""
        raw = _raw(self.embedder, [text[:CHARS_MAX] for text in texts], self.tokens)
        vectors: Floats = _weighed(raw - self.centre) @ self.directions
        return Read(vectors, tuple(self._pieces(text) for text in texts))

    def _pieces(self, text: str) -> Pieces:
        """Return the known pieces; unknown ones lessen the weights of the others."""
        keys, counts = np.unique(piece_keys(text), return_counts=True)
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        known = self.keys[places] == keys
        rarity = np.where(known, self.rarity[places], np.float32(self.unseen))
        weights = (1 + np.log(counts)) * rarity
        known &= weights > 0
        length = float(np.sqrt(weights @ weights)) or 1.0
        share = np.float32(np.sqrt(PIECES_WEIGHT / _TOTAL) / length)
        return Pieces(places[known].astype(np.uint32), (weights[known] * share).astype(np.float32))


def learn_reader(embedder: TokenEmbedder, texts: Sequence[str]) -> Reader:
    """Return a reader for texts like these."""
    seen: Counter[int] = Counter()
    for text in texts:
        seen.update(set(embedder.token_ids(text[:CHARS_MAX])))
    tokens = np.full(len(embedder.tokens), _rarity(len(texts), 0), np.float32)
    for token, count in seen.items():
        tokens[token] = _rarity(len(texts), count)
    tokens = np.sqrt(tokens)
    keys, counts = np.unique(
        np.concatenate([np.unique(piece_keys(text)) for text in texts]), return_counts=True
    )
    telling = counts <= max(COMMON_MIN, COMMON_SHARE * len(texts))
    rarity = np.log((len(texts) + 1) / (counts + 0.5)).astype(np.float32) * telling
    raw = _raw(embedder, [text[:CHARS_MAX] for text in texts], tokens)
    centre, unseen = raw.mean(axis=0), _rarity(len(texts), 0)
    directions = _principal(_weighed(raw - centre))
    return Reader(embedder, centre, tokens, keys, rarity, unseen, directions)


def piece_keys(text: str) -> Keys:
    """Return a number for each piece of a text, one piece after the other.

    Pieces are told apart by 32 bits of a product; some thousands of them hardly ever meet.
    """
    padded = f" {normalised(text[:CHARS_MAX])} "
    codes = np.frombuffer(padded.encode("utf-32-le", "replace"), np.uint32).astype(np.uint64)
    found, rolling = [], codes
    for size in range(2, PIECE_CHARS[-1] + 1):
        rolling = (rolling[:-1] * _MULTIPLIER) ^ codes[size - 1 :]
        if size in PIECE_CHARS:
            found.append((rolling * _MULTIPLIER) >> np.uint64(32))
    return np.concatenate(found).astype(np.uint32)


def _raw(embedder: TokenEmbedder, texts: Sequence[str], tokens: Floats) -> Floats:
    """Return both vectors of each text at unit length, side by side."""
    own = embedder.encode(texts)
    rare = np.zeros_like(own)
    for row, text in enumerate(texts):
        if ids := list(dict.fromkeys(embedder.token_ids(text))):
            rare[row] = tokens[ids] @ embedder.token_rows(ids)
    return np.concatenate([own, unit_length(rare)], axis=1)


def _weighed(raw: Floats) -> Floats:
    """Return both vectors at unit length, each by the root of its share of a similarity."""
    half = raw.shape[1] // 2
    own = unit_length(raw[:, :half]) * np.sqrt(np.float32(OWN_WEIGHT / _TOTAL))
    rare = unit_length(raw[:, half:]) * np.sqrt(np.float32(RARE_WEIGHT / _TOTAL))
    return np.concatenate([own, rare], axis=1)


def _principal(vectors: Floats) -> Floats:
    """Return the directions in which the vectors are longest, as columns."""
    _, directions = np.linalg.eigh(vectors.T @ vectors)
    longest: Floats = directions[:, ::-1][:, :DIRECTIONS_MAX]
    return np.ascontiguousarray(longest, np.float32)


def _rarity(texts: int, holding: int) -> float:
    return float(np.log((texts + 1) / (holding + 0.5)))
