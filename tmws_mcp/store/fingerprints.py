"""Fingerprints of memories, by bands: what shares a band is worth a closer look."""

from collections import Counter
from collections.abc import Iterable, Sequence

from tmws_mcp.store.driver import Connection


def put(db: Connection, ns: int, memory: int, bands: Iterable[int]) -> None:
    """Write the bands of a memory."""
    db.run_many(
        "INSERT OR IGNORE INTO fingerprint(ns, band, memory) VALUES (?, ?, ?)",
        ((ns, band, memory) for band in bands),
    )


def remove(db: Connection, ns: int, memory: int, bands: Iterable[int]) -> None:
    """Delete the bands of a memory."""
    db.run_many(
        "DELETE FROM fingerprint WHERE ns = ? AND band = ? AND memory = ?",
        ((ns, band, memory) for band in bands),
    )


def sharing(db: Connection, ns: int, bands: Sequence[int], limit: int) -> list[int]:
    """Return memories that share a band, those that share most first, then the newest.

    Of each band only the newest `limit` are looked at: a sentence that everybody says is in many.
    """
    sql = "SELECT memory FROM fingerprint WHERE ns = ? AND band = ? ORDER BY memory DESC LIMIT ?"
    shared = Counter(row[0] for band in bands for row in db.rows(sql, (ns, band, limit)))
    return sorted(shared, key=lambda memory: (-shared[memory], -memory))[:limit]
