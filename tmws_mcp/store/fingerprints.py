"""Fingerprints of memories, by bands: what shares a band is worth a closer look."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tmws_mcp.store.driver import Connection


def put(db: Connection, ns: int, bands: Mapping[int, Iterable[int]]) -> None:
    """Write the bands of memories."""
    db.run_many(
        "INSERT OR IGNORE INTO fingerprint(ns, band, memory) VALUES (?, ?, ?)",
        ((ns, band, memory) for memory, its in bands.items() for band in its),
    )


def remove(db: Connection, ns: int, memory: int, bands: Iterable[int]) -> None:
    """Delete the bands of a memory."""
    db.run_many(
        "DELETE FROM fingerprint WHERE ns = ? AND band = ? AND memory = ?",
        ((ns, band, memory) for band in bands),
    )


def sharing(db: Connection, ns: int, bands: Sequence[Sequence[int]], limit: int) -> list[list[int]]:
    """Return for each set of bands the memories that share one, most shared first, then newest.

    Of each band only the newest `limit` are looked at: a sentence that everybody says is in many.
    """
    holders = _holders(db, ns, {band for its in bands for band in its}, limit)
    return [_most(its, holders, limit) for its in bands]


def _most(bands: Sequence[int], holders: Mapping[int, list[int]], limit: int) -> list[int]:
    shared = Counter(memory for band in bands for memory in holders.get(band, ()))
    return sorted(shared, key=lambda memory: (-shared[memory], -memory))[:limit]


def _holders(db: Connection, ns: int, bands: Iterable[int], limit: int) -> dict[int, list[int]]:
    newest = (
        "SELECT memory FROM fingerprint WHERE ns = :ns AND band = j.value "
        "ORDER BY memory DESC LIMIT :limit"
    )
    rows = db.rows(
        f"SELECT j.value, (SELECT json_group_array(memory) FROM ({newest})) "
        "FROM json_each(:bands) j",
        {"ns": ns, "limit": limit, "bands": json.dumps(sorted(bands))},
    )
    return {band: json.loads(held) for band, held in rows}
