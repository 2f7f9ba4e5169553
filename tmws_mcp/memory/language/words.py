"""Text -> words, and query -> what is looked up.

Words are divided at everything that is neither letter nor digit; case, accents and compatibility
forms are folded, and a word comes down to its stem (Snowball's English). Chinese, Japanese and
Korean, which do not divide words by spaces, are looked up by pairs of characters. What the index
holds of a text is the business of terms.py; here is what both sides share.
"""

import re
import unicodedata
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from tmws_mcp.memory.language.identifiers import identifiers, name_parts

TERMS_MAX = 64
"""Words of a query that are looked up. A longer query is a pasted text; its beginning will do."""

STOP_WORDS = frozenset(
    "a about after an and any are as at be been before by can could did do does during for from "  # noqa: SIM905 - a page of quotes and commas reads worse
    "had has have he her hers him his how i if in into is it its me my of on or our she should so "
    "some than that the their them then there these they this to was we were what when where which "
    "who whom whose why will with would you your".split()
)

# Han, kana and hangul: written without spaces between words, or with endings grown onto them.
UNSPACED = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+"
)
APOSTROPHE = "['\u2019]"
WORD = re.compile(rf"[^\W_]+(?:{APOSTROPHE}[^\W_]+)?")
PICTOGRAM = re.compile("[\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")
STEM_CHARS_MAX = 40
"""Longer words are no language; they stay as they are."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a query looks up."""

    text: str
    stems: tuple[str, ...]
    """Of its words without the stop words, in their order."""
    words: tuple[str, ...]
    """For each stem the word as it was asked for, in lower case."""
    keys: tuple[str, ...]
    """The identifiers in it."""


def folded(text: str) -> str:
    """Return the text in compatibility form: full-width letters, ligatures and ß as plain ones."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text).replace("ß", "ss")


def analysed(query: str) -> Query:
    """Return what a query looks up: its words without the stop words, and its identifiers.

    Where nothing but stop words is left, they are looked up all the same.
    """
    text = folded(query)
    words = list(dict.fromkeys(_query_words(text)))
    telling = [word for word in words if word not in STOP_WORDS] or words
    by_stem = {stem(word): word for word in reversed(telling[:TERMS_MAX])}
    kept = dict(reversed(by_stem.items()))
    return Query(
        text=query,
        stems=tuple(kept),
        words=tuple(kept.values()),
        keys=tuple(sorted(identifiers(text)))[:TERMS_MAX],
    )


def _query_words(text: str) -> Iterator[str]:
    for word in WORD.findall(UNSPACED.sub(r" \g<0> ", text)):
        if UNSPACED.fullmatch(word):
            yield from ([word[i : i + 2] for i in range(len(word) - 1)] or [word])
        else:
            yield re.split(APOSTROPHE, word)[0].lower()
            yield from (part.lower() for part in name_parts(word))
    yield from PICTOGRAM.findall(text)


@lru_cache(maxsize=8_192)
def stem(word: str) -> str:
    """Return what a word comes down to: lower case, no accents, no English ending."""
    if UNSPACED.search(word):
        return word
    plain = "".join(c for c in unicodedata.normalize("NFKD", word.lower()) if c.isalnum())
    if len(plain) > STEM_CHARS_MAX or not plain.isalpha():
        return plain or word
    return _stemmer()(plain)


@cache
def _stemmer() -> Callable[[str], str]:
    from snowballstemmer.english_stemmer import EnglishStemmer  # noqa: PLC0415 - with the first word

    stem_word: Callable[[str], str] = EnglishStemmer().stemWord
    return stem_word


def places(text: str, asked: Container[str]) -> list[tuple[int, str]]:
    """Return where a text has one of the stems that are asked for, and which."""
    found: list[tuple[int, str]] = []
    known: dict[str, list[tuple[int, str]]] = {}  # a long text says few words, each often
    for match in WORD.finditer(text):
        word = match.group()
        if word not in known:
            known[word] = [(at, said) for at, said in _stems(word) if said in asked]
        found += [(match.start() + at, said) for at, said in known[word]]
    found += [(m.start(), m.group()) for m in PICTOGRAM.finditer(text) if m.group() in asked]
    return sorted(found)


def vocabulary(text: str) -> set[str]:
    """Return the stems that occur in a text."""
    said = {stemmed for word in set(WORD.findall(text)) for _, stemmed in _stems(word)}
    return said | set(PICTOGRAM.findall(text))


def _stems(word: str) -> Iterator[tuple[int, str]]:
    """Return the stems of a word with their places in it."""
    if UNSPACED.search(word):
        for i in range(len(word)):
            yield i, word[i]
            yield i, word[i : i + 2]
        return
    yield 0, stem(re.split(APOSTROPHE, word)[0])
    yield from ((0, stem(part)) for part in name_parts(word))
