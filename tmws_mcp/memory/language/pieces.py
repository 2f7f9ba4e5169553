"""Word pieces: by which a word finds its kindred (said.py), whatever embedder makes the vectors.

They are those of the table that ships with the package: a lexicon of which words are near each
other. So kindred words are found where there are no vectors at all, too.

Imports numpy: only functions import this module.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tmws_mcp.embedding.static import StaticEmbedder, shipped
from tmws_mcp.errors import EmbedderUnavailable
from tmws_mcp.memory.language.words import STOP_WORDS
from tmws_mcp.telemetry import get_logger

KNOWN_PIECES_MAX = 2
"""A word of more pieces is one that the lexicon does not know: another language's, or a name."""
PIECES_MAX = 512
"""Different word pieces of a memory that are kept to be compared one by one."""

log = get_logger("memory")


@dataclass(frozen=True, slots=True)
class Pieces:
    """The word pieces of a query, and how to compare them."""

    numbers: tuple[int, ...]
    words: tuple[int, ...]
    """For each piece the place of its word in the query."""
    directions: Callable[[Sequence[int]], NDArray[np.float32]]


def pieces_of_words(words: Sequence[str]) -> Pieces | None:
    """Return the word pieces of a query's words.

    None where the lexicon knows none of the words: the pieces that it cuts them into mean nothing.
    """
    lexicon = _lexicon()
    cut = [lexicon.token_ids(word) for word in words] if lexicon else []
    if lexicon is None or not any(0 < len(pieces) <= KNOWN_PIECES_MAX for pieces in cut):
        return None
    place_of: dict[int, int] = {}
    for place, pieces in enumerate(cut):
        for piece in pieces:
            place_of.setdefault(piece, place)
    return Pieces(tuple(place_of), tuple(place_of.values()), lexicon.token_rows)


def pieces_of_text(text: str) -> bytes:
    """Return the numbers (u16) of a text's different word pieces that say anything."""
    lexicon = _lexicon()
    if lexicon is None:
        return b""
    different = np.array(list(dict.fromkeys(lexicon.token_ids(text))), np.uint16)
    return different[_telling()[different]][:PIECES_MAX].tobytes()


@cache
def _telling() -> NDArray[np.bool_]:
    """Tell of each word piece whether it says anything: no sign, no stop word."""
    lexicon = _lexicon()
    tokens = lexicon.tokens if lexicon else ()
    return np.array([t not in STOP_WORDS and any(c.isalnum() for c in t) for t in tokens], np.bool_)


@cache
def _lexicon() -> StaticEmbedder | None:
    try:
        return shipped()
    except EmbedderUnavailable as error:
        log.warning("memory.lexicon_unavailable", error=str(error))
        return None
