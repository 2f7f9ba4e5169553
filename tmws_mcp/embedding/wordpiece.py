"""BERT's uncased WordPiece: a text as the ids of the pieces of its words.

Written here because the usual library brings a client of a model hub and 10 MB along; the ids are
the same, which the tests hold it to. Each character is cleaned on its own (accents off, lower
case, punctuation and ideographs apart) by one table that `str.translate` fills as it goes.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

WORD_CHARS_MAX = 100  # BERT's own: a longer word is unknown
CACHED_WORDS_MAX = 8_192  # words of several pieces; the usual ones are found in the vocabulary
CACHED_CHARS_MAX = 16_384  # the characters of a few scripts
UNKNOWN = "[UNK]"
CONTINUES = "##"  # marks a piece that is not the first of its word

_IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),  # from 2B920: BERT's list has this gap, and the vocabulary follows it
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


class WordPiece:
    """Divides texts by a vocabulary, in which a token's place is its id."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._ids = {token: index for index, token in enumerate(vocabulary)}
        self.unknown = self._ids[UNKNOWN]
        self._piece_chars_max = max(map(len, vocabulary))
        self._characters = _Characters()
        self._pieces = lru_cache(CACHED_WORDS_MAX)(self._divide)

    def ids(self, text: str) -> Iterator[int]:
        """Yield the ids of a text's pieces, `unknown` for each word that cannot be divided."""
        for word in text.translate(self._characters).split():
            known = self._ids.get(word)
            if known is None:
                yield from self._pieces(word)
            else:
                yield known

    def _divide(self, word: str) -> tuple[int, ...]:
        """Take the longest piece that fits, again and again."""
        if len(word) > WORD_CHARS_MAX:
            return (self.unknown,)
        pieces: list[int] = []
        start = 0
        while start < len(word):
            piece, start = self._longest_piece(word, start)
            if piece == self.unknown:
                return (self.unknown,)
            pieces.append(piece)
        return tuple(pieces)

    def _longest_piece(self, word: str, start: int) -> tuple[int, int]:
        """Return the id of the longest piece that begins at `start`, and where it ends."""
        prefix = CONTINUES if start else ""
        for end in range(min(len(word), start + self._piece_chars_max), start, -1):
            piece = self._ids.get(prefix + word[start:end])
            if piece is not None:
                return piece, end
        return self.unknown, len(word)


class _Characters(dict[int, str]):
    """What each character becomes before words are divided."""

    def __missing__(self, code: int) -> str:
        cleaned = _clean(chr(code))
        if len(self) < CACHED_CHARS_MAX:
            self[code] = cleaned
        return cleaned


def _clean(char: str) -> str:
    if char.isspace() and (char in "\t\n\r" or unicodedata.category(char) == "Zs"):
        return " "
    if char == "\ufffd" or unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs"):
        return ""
    if any(first <= ord(char) <= last for first, last in _IDEOGRAPHS):
        return f" {char} "
    return "".join(_apart(part) for part in unicodedata.normalize("NFD", char))


def _apart(char: str) -> str:
    """Return a decomposed character in lower case: without accents, punctuation between spaces."""
    category = unicodedata.category(char)
    if category == "Mn":
        return ""
    if category[0] == "P" or char in "$+<=>^`|~":
        return f" {char} "
    return char.lower()
