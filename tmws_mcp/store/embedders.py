"""Whose vectors the store holds, how many memories have them, and who may change that.

Processes with different embedders may share a store. They must not undo each other's work for
ever, so the one that was started last decides whose vectors are made.
"""

import json

from tmws_mcp.store.driver import Connection

CLAIM = "embedder"


def progress(db: Connection, embedder: str) -> tuple[int, int]:
    """Return how many current memories have the embedder's vector, and how many there are."""
    row = db.row(
        "SELECT count(*) FILTER (WHERE embedder = ?), count(*) FROM memory "
        "WHERE forgotten_at IS NULL AND superseded_by IS NULL",
        (embedder,),
    )
    assert row is not None
    return int(row[0]), int(row[1])


def former(db: Connection, embedder: str) -> list[str]:
    """Return the embedders beside the given one whose vectors are still there."""
    rows = db.rows("SELECT embedder FROM vector_space WHERE embedder <> ? ORDER BY id", (embedder,))
    return [row[0] for row in rows]


def claim(db: Connection, embedder: str, started_at: float) -> str:
    """Return whose vectors are to be made: the given embedder's, unless another came later."""
    row = db.row("SELECT value FROM meta WHERE key = ?", (CLAIM,))
    since, claimed = json.loads(row[0]) if row else (started_at, "")
    if claimed and (since > started_at or claimed == embedder):
        return str(claimed)
    db.run(
        "INSERT INTO meta VALUES (:key, :value) ON CONFLICT(key) DO UPDATE SET value = :value",
        {"key": CLAIM, "value": json.dumps([started_at, embedder])},
    )
    return embedder
