"""Vectors that could not be made when their memories were stored: in three steps.

What waits is read; its texts are encoded while no transaction is open, since an embedder may take
seconds; the vectors are stored in a short transaction. In between the memory may have been
forgotten: then nothing is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tmws_mcp.memory.search.meaning import embedded_text, keep
from tmws_mcp.store import forward, memories, threads, vectors
from tmws_mcp.store.driver import Connection

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder

STALE_MAX = 200
"""Vectors of memories that are found no more, deleted with one slice."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A memory without its vector."""

    id: int
    ns: int
    text: str
    """What the vector is made of."""


def any_left(db: Connection, embedder: str) -> bool:
    """Tell whether vectors of this embedder are missing, or others' are left."""
    return bool(vectors.missing(db, embedder, 1)) or vectors.any_missing(db)


def waiting(db: Connection, embedder: str, limit: int) -> list[Waiting]:
    """Return at most `limit` current memories that have no vector of this embedder."""
    if forward.backlog_size(db):
        return []  # vectors come after words: all is indexed again after a change of rules
    keys = vectors.missing(db, embedder, limit)
    spaces = dict(memories.namespaces_of(db, keys))
    return [Waiting(key, spaces[key], text) for key, text in _texts(db, keys).items()]


def _texts(db: Connection, keys: Sequence[int]) -> dict[int, str]:
    """Return what the vectors of current memories are made of."""
    return {one.id: embedded_text(one) for one in threads.turns(db, keys) if one.current}


def fill(
    db: Connection, embedder: "Embedder", slice_: Sequence[Waiting], rows: Sequence[bytes]
) -> int:
    """Store the vectors of what still has the text that they were made of; return how many."""
    vectors.remove_stale(db, STALE_MAX)
    if not slice_:
        return 0
    texts = _texts(db, [one.id for one in slice_])
    made = zip(slice_, rows, strict=True)
    kept = [(one, row) for one, row in made if texts.get(one.id) == one.text]
    for ns in {one.ns for one, _ in kept}:
        keep(db, ns, embedder, {one.id: row for one, row in kept if one.ns == ns})
    return len(kept)


def finish(db: Connection, embedder: str) -> bool:
    """Drop the vectors of former embedders, if none of this one's is missing any more."""
    if vectors.missing(db, embedder, 1):
        return False
    vectors.drop_other_spaces(db, embedder)
    return True
