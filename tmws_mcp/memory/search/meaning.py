"""Vectors of memories: how they are made, and where they are kept.

A vector is kept three times, for three readers: in sqlite-vec, which searches small namespaces
exactly; as a sketch, by which large ones are searched; and in the memory's own row, from which
ranking takes it together with all else. Each is scaled by 127/max|x|: a fixed scale wastes most of
the eight bits (.96 of the exact answer's recall instead of .998). Cosine does not see the scale.
"""

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from tmws_mcp.memory.language.identifiers import without_codes
from tmws_mcp.memory.language.words import folded
from tmws_mcp.store import forward, sketches, vectors
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.threads import Turn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tmws_mcp.embedding.embedder import Embedder

PEAK = 127
EMBEDDED_CHARS_MAX = 8_000
"""A vector is a mean over words; what stands behind the first pages moves it no more."""


def embed(db: Connection, ns: int, turns: Sequence[Turn], embedder: "Embedder | None") -> None:
    """Store the vectors of indexed memories; without an embedder note that they are missing."""
    ids = [turn.id for turn in turns]
    if embedder is None or not embedder.prompt or not vectors.available(db):
        vectors.outdate(db, ids)
        return
    rows = quantised(embedder.encode([embedded_text(turn) for turn in turns]))
    keep(db, ns, embedder, dict(zip(ids, rows, strict=True)))


def keep(db: Connection, ns: int, embedder: "Embedder", rows: dict[int, bytes]) -> None:
    """Write vectors where they are searched; a text without words has none."""
    space = vectors.ensure_space(db, embedder.id, embedder.dimensions)
    present = [(key, row) for key, row in rows.items() if row]
    vectors.remove(db, space, [key for key, row in rows.items() if not row])
    vectors.put(db, space, ns, present)
    vectors.mark(db, list(rows), embedder.id)
    sketches.append(db, space, ns, _sketched(present))
    forward.set_vectors(db, space, present)


def _sketched(present: Sequence[tuple[int, bytes]]) -> list[tuple[bytes, bytes]]:
    if not present:
        return []
    import numpy as np  # noqa: PLC0415 - 90 ms that a start must not pay

    from tmws_mcp.memory.search.sketch import sketches as sketched  # noqa: PLC0415 - imports numpy

    rows = np.frombuffer(b"".join(row for _, row in present), np.int8).reshape(len(present), -1)
    keys = [key.to_bytes(sketches.KEY_BYTES, "little") for key, _ in present]
    return [(key, bits.tobytes()) for key, bits in zip(keys, sketched(rows), strict=True)]


def embedded_text(turn: Turn) -> str:
    """Return what a memory's vector is made of."""
    said = folded(turn.said[:EMBEDDED_CHARS_MAX])
    return without_codes(said) or said


def quantised(rows: "NDArray[np.float32]") -> list[bytes]:
    """Return each row as int8; nothing for a row without direction, or that is no number.

    sqlite-vec would take such a row, and its distance to everything is not a number.
    """
    import numpy as np  # noqa: PLC0415 - 90 ms that a start must not pay

    peaks = np.abs(rows).max(axis=1, initial=0.0)
    usable = np.isfinite(peaks) & (peaks > 0)
    scaled = np.where(usable[:, None], rows, 0.0) * (PEAK / np.where(usable, peaks, 1.0))[:, None]
    whole = np.rint(scaled).astype(np.int8)
    return [row.tobytes() if good else b"" for row, good in zip(whole, usable, strict=True)]


def query_text(query: str) -> str:
    """Return what a query's vector is made of; whoever makes it beforehand takes the same."""
    return without_codes(folded(query))


def query_vector(embedder: "Embedder", text: str) -> bytes:
    """Return a text's vector; nothing where it has no words that the embedder knows."""
    return quantised(embedder.encode([text]))[0]


def similarities(embedder: "Embedder", pairs: Sequence[tuple[str, str]]) -> list[float]:
    """Return the cosine of the texts of each pair, each text taken by itself."""
    rows = {text: row for row, text in enumerate(dict.fromkeys(chain.from_iterable(pairs)))}
    vectors = embedder.encode(list(rows))
    return [float(vectors[rows[one]] @ vectors[rows[other]]) for one, other in pairs]
