"""Near duplicates: memories that say nearly the same as a new one.

Two texts whose vectors all but coincide may still differ in the one thing that matters, a number or
a name, so that digits and identifiers must be equal too. The vectors compared are those of the
texts by themselves: those in the index have the previous turn in them.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tmws_mcp.memory.identifiers import identifiers
from tmws_mcp.memory.meaning import quantised, similarities
from tmws_mcp.store import memories, vectors
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.selection import Filter

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder

COSINE_MIN = 0.92
LOOKED_AT = 8
SHOWN_MAX = 5
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
    if embedder is None or len(content) > CHARS_MAX or not vectors.available(db):
        return []
    space = vectors.space(db, embedder.id, embedder.dimensions)
    vector = quantised(embedder.encode([content]))[0]
    if space is None or not vector:
        return []
    close = vectors.nearest(db, space, ns, vector, Filter(now=now), LOOKED_AT)
    known = memories.records(db, [key for key, _ in close])
    known = [record for record in known if _specifics(record.content) == _specifics(content)]
    if not known:
        return []
    cosines = similarities(embedder, content, [record.content for record in known])
    found = [
        Near(record.id, record.uid, round(min(cosine, 1.0), 3))
        for record, cosine in zip(known, cosines, strict=True)
        if cosine >= COSINE_MIN
    ]
    return sorted(found, key=lambda near: -near.similarity)[:SHOWN_MAX]


def _specifics(text: str) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(re.findall(r"\d+", text)), frozenset(identifiers(text))
