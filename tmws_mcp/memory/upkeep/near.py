"""Near duplicates: memories that say nearly the same as a new one.

Two texts whose vectors all but coincide may still differ in the one thing that matters, a number or
a name, so that digits and identifiers must be equal too. Texts whose vectors all but coincide share
most of their words, so that a fingerprint of the words finds them for less than a search among all
vectors costs.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
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
    bands = fingerprint(terms(content).numbers)
    shared = fingerprints.sharing(db, ns, bands, LOOKED_AT)
    close = forward.passing(db, ns, shared, Filter(now=now)) if shared else []
    same = _same_specifics(content, memories.texts(db, close)) if close else []
    if not same:
        return []
    cosines = similarities(embedder, content, [one.content for one in same])
    found = [
        Near(one.id, one.uid, round(min(cosine, 1.0), 3))
        for one, cosine in zip(same, cosines, strict=True)
        if cosine >= COSINE_MIN
    ]
    return sorted(found, key=lambda near: -near.similarity)[:SHOWN_MAX]


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


def _same_specifics(content: str, others: Sequence[memories.Text]) -> list[memories.Text]:
    """Return the texts with the digits and identifiers of this one; digits are the cheaper look."""
    digits = _digits(content)
    same = [one for one in others if _digits(one.content) == digits]
    named = identifiers(content) if same else set()
    return [one for one in same if identifiers(one.content) == named]


def _digits(text: str) -> set[str]:
    return set(re.findall(r"\d+", text))
