"""Text -> what the full-text index holds of it, and query -> what is looked up in it.

SQLite's tokenizer divides at everything that is neither letter nor digit, folds case and accents
and stems English. Three things it does not know are done here, the same way for text and for query:
Chinese, Japanese and Korean are divided into pairs of characters; the parts of camelCase names are
added; and identifiers (identifiers.py) become one opaque word each, so that a literal key is found
whole and nothing else is.
"""

import re
import unicodedata
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from tmws_mcp.memory.identifiers import identifiers, name_parts

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
SUFFIXES = ("ations", "ation", "ingly", "ings", "edly", "ies", "ing", "ion", "ed", "es", "ly", "s")
STEM_CHARS_MIN = 3


@dataclass(frozen=True, slots=True)
class Query:
    """What a query looks up."""

    text: str
    terms: tuple[str, ...]
    """Expressions of FTS5, one for each word, quoted."""
    stems: tuple[str, ...]
    """The stem of each term, which shows where a text has it."""
    keys: tuple[str, ...]
    """Opaque words of the identifiers in it."""


def folded(text: str) -> str:
    """Return the text in compatibility form: full-width letters, ligatures and ß as plain ones."""
    return unicodedata.normalize("NFKC", text).replace("ß", "ss")


def indexable(text: str) -> str:
    """Return a text for the index, divided where SQLite's tokenizer would not divide it."""
    text = folded(text)
    parts = [part for word in re.findall(r"\w+", text) for part in name_parts(word)]
    return " ".join([UNSPACED.sub(_pairs, text), *parts])


def _pairs(run: re.Match[str]) -> str:
    """Divide a run of characters: 東京都 becomes 東京 京都 都, so that each begins a word."""
    characters = run.group()
    return " " + " ".join(characters[i : i + 2] for i in range(len(characters))) + " "


def key_words(text: str) -> tuple[str, ...]:
    """Return an opaque word for each identifier in a text, whole and by its parts."""
    # Digits alone: the stemmer of the index leaves them as they are.
    return tuple(
        str(int.from_bytes(blake2b(name.encode(), digest_size=8).digest()))
        for name in sorted(identifiers(folded(text)))
    )


def analysed(query: str) -> Query:
    """Return what a query looks up: its words without the stop words, and its identifiers.

    Where nothing but stop words is left, they are looked up all the same.
    """
    text = folded(query)
    words = list(dict.fromkeys(_query_words(text)))
    telling = [word for word in words if word not in STOP_WORDS] or words
    telling = telling[:TERMS_MAX]
    return Query(
        text=query,
        terms=tuple(_expression(word) for word in telling),
        stems=tuple(stem(word) for word in telling),
        keys=key_words(query)[:TERMS_MAX],
    )


def _query_words(text: str) -> Iterator[str]:
    for word in WORD.findall(UNSPACED.sub(r" \g<0> ", text)):
        if UNSPACED.fullmatch(word):
            yield from ([word[i : i + 2] for i in range(len(word) - 1)] or [word])
        else:
            yield re.split(APOSTROPHE, word)[0].lower()
            yield from (part.lower() for part in name_parts(word))


def _expression(word: str) -> str:
    """Quote a word; a single unspaced character stands at the beginning of a pair."""
    return f'"{word}"*' if len(word) == 1 and UNSPACED.fullmatch(word) else f'"{word}"'


@lru_cache(maxsize=8_192)
def stem(word: str) -> str:
    """Return a word without its English ending; rough, for telling where a word was matched."""
    if UNSPACED.search(word):
        return word
    plain = "".join(c for c in unicodedata.normalize("NFKD", word.lower()) if c.isalnum())
    for suffix in SUFFIXES:
        if plain.endswith(suffix) and len(plain) - len(suffix) >= STEM_CHARS_MIN:
            plain = plain.removesuffix(suffix)
            break
    return plain.removesuffix("e") if len(plain) > STEM_CHARS_MIN else plain


def places(text: str, asked: Container[str]) -> list[tuple[int, str]]:
    """Return where a text has one of the stems that are asked for, and which."""
    found: list[tuple[int, str]] = []
    known: dict[str, list[tuple[int, str]]] = {}  # a long text says few words, each often
    for match in WORD.finditer(text):
        word = match.group()
        if word not in known:
            known[word] = [(at, said) for at, said in _stems(word) if said in asked]
        found += [(match.start() + at, said) for at, said in known[word]]
    return found


def vocabulary(text: str) -> set[str]:
    """Return the stems that occur in a text."""
    return {said for word in set(WORD.findall(text)) for _, said in _stems(word)}


def _stems(word: str) -> Iterator[tuple[int, str]]:
    """Return the stems of a word with their places in it."""
    if UNSPACED.search(word):
        for i in range(len(word)):
            yield i, word[i]
            yield i, word[i : i + 2]
        return
    yield 0, stem(re.split(APOSTROPHE, word)[0])
    yield from ((0, stem(part)) for part in name_parts(word))
