"""Near duplicates: memories that say nearly the same as a new one.

Two texts whose vectors all but coincide may still differ in the one thing that matters, a number or
a name, so that digits and identifiers must be equal too. The vectors compared are those of the
texts by themselves: those in the index have the previous turn in them. And texts whose vectors all
but coincide share most of their words, so that the full-text index finds them for less than a
search among all vectors costs.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from tmws_mcp.memory.identifiers import identifiers
from tmws_mcp.memory.meaning import similarities
from tmws_mcp.memory.words import analysed
from tmws_mcp.store import lexical, memories
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.selection import Filter

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder

COSINE_MIN = 0.92
LOOKED_AT = 8
SHOWN_MAX = 5
WORDS_COMPARED = 3
CHARS_MAX = 8_000
"""Longer texts are documents; their vectors are too blunt to call two of them the same."""


@dataclass(frozen=True, slots=True)
class Near:
    """A memory that says nearly the same."""

    id: int
    uid: str
    similarity: float


def near_duplicates(
    db: Connection, ns: int, content: str, embedder: "Embedder | None", *, now: float
) -> list[Near]:
    """Return what a namespace holds that says nearly the same as a text, nearest first."""
    if embedder is None or len(content) > CHARS_MAX:
        return []
    close = lexical.alike(db, ns, _telling(content), Filter(now=now), LOOKED_AT)
    same = _same_specifics(content, memories.texts(db, close))
    if not same:
        return []
    cosines = similarities(embedder, content, [one.content for one in same])
    found = [
        Near(one.id, one.uid, round(min(cosine, 1.0), 3))
        for one, cosine in zip(same, cosines, strict=True)
        if cosine >= COSINE_MIN
    ]
    return sorted(found, key=lambda near: -near.similarity)[:SHOWN_MAX]


def _telling(content: str) -> str:
    """Return an expression that holds where two of the three longest words occur.

    Long words are rare as a rule, and one of them may have been said otherwise. Each pair is an
    intersection, which costs as little as the rarer word of the two.
    """
    terms = sorted(analysed(content).terms, key=lambda term: (-len(term), term))[:WORDS_COMPARED]
    pairs = [f"({one} AND {other})" for one, other in combinations(terms, 2)]
    return " OR ".join(pairs or terms)


def _same_specifics(content: str, others: Sequence[memories.Text]) -> list[memories.Text]:
    """Return the texts with the digits and identifiers of this one; digits are the cheaper look."""
    digits = _digits(content)
    same = [one for one in others if _digits(one.content) == digits]
    named = identifiers(content) if same else set()
    return [one for one in same if identifiers(one.content) == named]


def _digits(text: str) -> set[str]:
    return set(re.findall(r"\d+", text))
