"""Sketches of vectors: one bit for each turned dimension, in chunks that a search reads at once.

Which bits they are is the business of memory/search/sketch.py; here are bytes. A memory's sketch is
appended to the last chunk of its namespace and embedder.
"""

from collections.abc import Sequence

from tmws_mcp.store.driver import Connection

CHUNK_MAX = 512
"""Sketches in a chunk: each append writes the last chunk anew, and a search reads all chunks."""
KEY_BYTES = 8


def append(db: Connection, space: int, ns: int, sketches: Sequence[tuple[bytes, bytes]]) -> None:
    """Add (memory as i64, bits) to a namespace's sketches."""
    if not sketches:
        return
    row = db.row(
        "SELECT chunk, memories, bits FROM sketch WHERE space = ? AND ns = ? "
        "ORDER BY chunk DESC LIMIT 1",
        (space, ns),
    )
    chunk, memories, bits = row or (0, b"", b"")
    for begin in range(0, len(sketches), CHUNK_MAX):
        for memory, sketch in sketches[begin : begin + CHUNK_MAX]:
            if len(memories) >= CHUNK_MAX * KEY_BYTES:
                _write(db, space, ns, chunk, memories, bits)
                chunk, memories, bits = chunk + 1, b"", b""
            memories, bits = memories + memory, bits + sketch
    _write(db, space, ns, chunk, memories, bits)


def _write(db: Connection, space: int, ns: int, chunk: int, memories: bytes, bits: bytes) -> None:
    db.run(
        "INSERT OR REPLACE INTO sketch(space, ns, chunk, memories, bits) VALUES (?, ?, ?, ?, ?)",
        (space, ns, chunk, memories, bits),
    )


def of_namespace(db: Connection, space: int, ns: int) -> tuple[bytes, bytes]:
    """Return the memories (i64 each; 0: erased) and the bits of a namespace's sketches."""
    rows = db.rows(
        "SELECT memories, bits FROM sketch WHERE space = ? AND ns = ? ORDER BY chunk", (space, ns)
    )
    return b"".join(row[0] for row in rows), b"".join(row[1] for row in rows)


def erase(db: Connection, space: int, ns: int, memories: Sequence[bytes]) -> None:
    """Blot out the sketches of memories (i64 each)."""
    rows = db.rows(
        "SELECT chunk, memories, bits FROM sketch WHERE space = ? AND ns = ?", (space, ns)
    )
    gone = set(memories)
    for chunk, held, bits in rows:
        keys = [held[i : i + KEY_BYTES] for i in range(0, len(held), KEY_BYTES)]
        if gone.isdisjoint(keys):
            continue
        width = len(bits) // len(keys)
        kept = [b"" if key in gone else key for key in keys]
        blotted = (bits[i * width : (i + 1) * width] if key else b"" for i, key in enumerate(kept))
        _write(
            db,
            space,
            ns,
            chunk,
            b"".join(key.ljust(KEY_BYTES, b"\0") for key in kept),
            b"".join(row.ljust(width, b"\0") for row in blotted),
        )


def drop(db: Connection, space: int) -> None:
    """Delete the sketches of an embedder's vectors."""
    db.run("DELETE FROM sketch WHERE space = ?", (space,))
