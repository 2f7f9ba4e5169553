"""Near duplicates: memories that say nearly the same as a new one.

Two texts whose vectors all but coincide may still differ in the one thing that matters, a number or
a name, so that digits and identifiers must be equal too. Texts whose vectors all but coincide share
most of their words, so that a fingerprint of the words finds them for less than a search among all
vectors costs.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from tmws_mcp.memory.language.identifiers import identifiers
from tmws_mcp.memory.language.terms import terms
from tmws_mcp.memory.search.meaning import similarities
from tmws_mcp.store import fingerprints, forward, memories
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.selection import Filter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tmws_mcp.embedding.embedder import Embedder

COSINE_MIN = 0.92
LOOKED_AT = 8
SHOWN_MAX = 5
BANDS = 4
CHARS_MAX = 8_000
"""Longer texts are documents; their vectors are too blunt to call two of them the same."""


@dataclass(frozen=True, slots=True)
class Near:
    """A memory that says nearly the same; `earlier` is its place where it is about to be stored."""

    similarity: float
    id: int = 0
    uid: str = ""
    earlier: int | None = None


@dataclass(frozen=True, slots=True)
class _Other:
    """A text that may be near, and what to call it if it is."""

    content: str
    near: Near


def near_duplicates(
    db: Connection, ns: int, contents: Sequence[str], embedder: "Embedder | None", *, now: float
) -> list[list[Near]]:
    """Return for each text what says nearly the same, nearest first.

    It may be what the namespace holds, or one of the texts before it.
    """
    if embedder is None:
        return [[] for _ in contents]
    short = [content if len(content) <= CHARS_MAX else "" for content in contents]
    bands = [fingerprint(terms(content).numbers) for content in short]
    stored = _stored(db, ns, fingerprints.sharing(db, ns, bands, LOOKED_AT), now)
    others = [held + before for held, before in zip(stored, _before(short, bands), strict=True)]
    same = [_same_specifics(content, held) for content, held in zip(short, others, strict=True)]
    return _measured(short, same, embedder)


def _stored(
    db: Connection, ns: int, shared: Sequence[Sequence[int]], now: float
) -> list[list[_Other]]:
    keys = sorted({key for its in shared for key in its})
    visible = forward.passing(db, ns, keys, Filter(now=now)) if keys else []
    texts = {one.id: one for one in memories.texts(db, visible)} if visible else {}
    return [[_known(texts[key]) for key in its if key in texts] for its in shared]


def _known(text: memories.Text) -> _Other:
    return _Other(text.content, Near(0.0, text.id, text.uid))


def _before(contents: Sequence[str], bands: Sequence[Sequence[int]]) -> list[list[_Other]]:
    """Return for each text those before it that share a band, the latest few."""
    holders: dict[int, list[int]] = {}
    found: list[list[_Other]] = []
    for place, its in enumerate(bands):
        sharing = {other for band in its for other in holders.get(band, ())[-LOOKED_AT:]}
        latest = sorted(sharing, reverse=True)[:LOOKED_AT]
        found.append([_Other(contents[other], Near(0.0, earlier=other)) for other in latest])
        for band in its:
            holders.setdefault(band, []).append(place)
    return found


def _measured(
    contents: Sequence[str], others: Sequence[Sequence[_Other]], embedder: "Embedder"
) -> list[list[Near]]:
    """Return those of the others whose vectors all but coincide with the text's."""
    pairs = [(place, one) for place, held in enumerate(others) for one in held]
    found: list[list[Near]] = [[] for _ in contents]
    if not pairs:
        return found
    cosines = similarities(embedder, [(contents[place], one.content) for place, one in pairs])
    for (place, one), cosine in zip(pairs, cosines, strict=True):
        if cosine >= COSINE_MIN:
            found[place].append(replace(one.near, similarity=round(min(cosine, 1.0), 3)))
    return [sorted(its, key=lambda near: -near.similarity)[:SHOWN_MAX] for its in found]


def fingerprint(numbers: bytes) -> list[int]:
    """Return the bands of a set of terms: each holds the least of two permutations of them.

    Two sets share a band with the square of the probability that they share a term (MinHash;
    Broder, 1997): of sets alike to .8 nearly all do, of sets alike to .2 one in seven.
    """
    import numpy as np  # noqa: PLC0415 - 90 ms that a start must not pay

    if not numbers:
        return []
    found = np.frombuffer(numbers, np.uint32)
    least = (found[None, :] * _multipliers()[:, None]).min(axis=1)
    bands = least[0::2].astype(np.int64) << 31 ^ least[1::2].astype(np.int64)
    return [int(band) for band in bands]


@cache
def _multipliers() -> "NDArray[np.uint32]":
    """Return odd numbers: multiplying by one permutes the numbers of 32 bits."""
    import numpy as np  # noqa: PLC0415 - as above

    drawn = np.random.default_rng(len("tmws")).integers(0, 2**31, 2 * BANDS)
    return (2 * drawn + 1).astype(np.uint32)


def _same_specifics(content: str, others: Sequence[_Other]) -> list[_Other]:
    """Return the texts with the digits and identifiers of this one; digits are the cheaper look."""
    if not others:
        return []
    digits = _digits(content)
    same = [one for one in others if _digits(one.content) == digits]
    named = identifiers(content) if same else set()
    return [one for one in same if identifiers(one.content) == named]


def _digits(text: str) -> set[str]:
    return set(re.findall(r"\d+", text))
