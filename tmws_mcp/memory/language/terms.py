"""Text -> the terms by which a memory is found, as numbers, and how often it says each.

A term is what a word comes down to: its stem; the parts of a camelCase name; single characters and
pairs of them where a script does not divide words; a pictogram. Three kinds stand apart from words,
by a mark before the text that is hashed: identifiers (identifiers.py), so that a literal key is
found whole and nothing else is; and the beginnings and ends of long words, so that a part of a
compound (Datenbank in Datenbankverbindung) finds it.

A term's number has 32 bits: among 200,000 words of a namespace one that is asked for is mistaken
for another in one case of 20,000, and only its weight suffers.
"""

import re
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import chain

from tmws_mcp.memory.language.identifiers import identifiers, name_parts
from tmws_mcp.memory.language.words import APOSTROPHE, PICTOGRAM, UNSPACED, WORD, folded, stem

VERSION = 2
"""Raised when a text comes down to other terms: the index must then be made again."""

WORDS_CACHED = 8_192
"""Half a megabyte for each thousand; nearly all of a text's words are among so many."""
TEXTS_KEPT, KEPT_CHARS_MAX = 512, 2_000
"""At most a megabyte or two."""
COUNT_MAX = 255
LENGTH_MAX = 65_535
TERM_BYTES = 4


KEY, EDGE = "\0k", "\0e"
COMPOUND_CHARS_MIN = 12
"""Shorter words are rarely made of two that somebody looks for alone."""
EDGE_CHARS_MIN = 5
COMPOUND_CHARS_MAX = 40


@dataclass(frozen=True, slots=True)
class Terms:
    """What a text says."""

    numbers: bytes
    """u32, ascending."""
    counts: bytes
    """u8, for each of them."""
    length: int
    """Words, each as often as it is said; identifiers and edges are words already."""


def terms(text: str) -> Terms:
    """Return what a text says. Short ones are kept: storing asks for the same text three times."""
    return _kept(text) if len(text) <= KEPT_CHARS_MAX else _found(text)


def _found(text: str) -> Terms:
    text = folded(text)
    words = WORD.findall(text)
    counted = Counter(chain.from_iterable(map(_numbers, words)))
    if not text.isascii():
        counted.update(map(number, PICTOGRAM.findall(text)))
    length = min(counted.total(), LENGTH_MAX)
    counted.update({number(KEY + name): 1 for name in identifiers(text)})
    long = {word.lower() for word in words if len(word) >= COMPOUND_CHARS_MIN}
    counted.update({number(EDGE + edge): 1 for word in long for edge in edges(word)})
    return _terms(counted, length)


_kept = lru_cache(maxsize=TEXTS_KEPT)(_found)


def together(one: Terms, other: Terms) -> Terms:
    """Return what two texts say together."""
    counted: Counter[int] = Counter()
    for part in (one, other):
        counted.update(dict(zip(array("I", part.numbers), part.counts, strict=True)))
    return _terms(counted, min(one.length + other.length, LENGTH_MAX))


def _terms(counted: Counter[int], length: int) -> Terms:
    ordered = sorted(counted)
    counts = bytes([min(counted[one], COUNT_MAX) for one in ordered])
    packed = array("I", ordered)
    assert packed.itemsize == TERM_BYTES
    return Terms(packed.tobytes(), counts, length)


@lru_cache(maxsize=WORDS_CACHED)
def _numbers(word: str) -> tuple[int, ...]:
    """Return the terms of one word as it stands in a text; most words come again and again."""
    return tuple(number(term) for term in word_terms(word))


def word_terms(word: str) -> list[str]:
    """Return what a word comes down to.

    >>> word_terms("parsingHTTPConfigs")
    ['parsinghttpconfig', 'pars', 'http', 'config']
    >>> word_terms("東京都")
    ['東', '京', '都', '東京', '京都']
    """
    if UNSPACED.search(word):
        return [part for run in re.split(f"({UNSPACED.pattern})", word) for part in _run(run)]
    plain = re.split(APOSTROPHE, word)[0]
    return [stem(plain), *(stem(part) for part in name_parts(plain))]


def _run(run: str) -> list[str]:
    if not run:
        return []
    if UNSPACED.fullmatch(run):
        return [*run, *(run[i : i + 2] for i in range(len(run) - 1))]
    return word_terms(run)


def edges(word: str) -> Iterator[str]:
    """Return what a long word of letters begins and ends with, both parts being words perhaps.

    >>> sorted(edges("mausefalle")), "datenbank" in edges("datenbankverbindung")
    ([], True)
    """
    if not COMPOUND_CHARS_MIN <= len(word) <= COMPOUND_CHARS_MAX or not word.isalpha():
        return
    for cut in range(EDGE_CHARS_MIN, len(word) - EDGE_CHARS_MIN + 1):
        yield word[:cut]
        yield word[cut:]


def number(term: str) -> int:
    """Return a term's number; the same on every machine."""
    digest = blake2b(term.encode("utf-8", "surrogatepass"), digest_size=TERM_BYTES).digest()
    return int.from_bytes(digest, "little")
