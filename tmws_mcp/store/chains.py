"""Chains of versions, read: what stands behind a memory, and what holds in its place.

Near duplicates that consolidation has put behind the one it kept are no versions of it, and one
that was archived for itself points at itself; neither counts here. UNION ends at a circle.
"""

import json
from collections.abc import Sequence

from tmws_mcp.store.driver import Connection

HISTORY_MAX = 200
"""Versions of one memory that are listed: as many as recall reads by their ids at once."""

IS_VERSION = (
    "o.forgotten_at IS NULL AND NOT EXISTS (SELECT 1 FROM archived a WHERE a.memory = o.id "
    "AND a.reason <> 'superseded')"
)
DOWN = (
    "WITH RECURSIVE down(root, id, depth) AS (SELECT value, value, 0 FROM json_each(:keys) UNION "
    "SELECT d.root, o.id, d.depth + 1 FROM down d CROSS JOIN memory o ON o.superseded_by = d.id "
    f"WHERE {IS_VERSION} AND d.depth < {HISTORY_MAX}) "
)
UP = (
    "WITH RECURSIVE up(root, id, depth) AS (SELECT value, value, 0 FROM json_each(:keys) UNION "
    "SELECT u.root, n.id, u.depth + 1 FROM up u CROSS JOIN memory o ON o.id = u.id "
    "CROSS JOIN memory n ON n.id = o.superseded_by WHERE n.id <> o.id "
    f"AND n.forgotten_at IS NULL AND u.depth < {HISTORY_MAX}) "
)


def older_counts(db: Connection, keys: Sequence[int]) -> dict[int, int]:
    """Return how many older versions stand behind each memory that has any."""
    if not keys:
        return {}
    rows = db.rows(
        f"{DOWN} SELECT root, count(DISTINCT id) FROM down WHERE id <> root GROUP BY root",
        {"keys": json.dumps(keys)},
    )
    return dict(rows)


def newest(db: Connection, keys: Sequence[int]) -> dict[int, str]:
    """Return the public id of the newest version, where it is not the direct successor."""
    if not keys:
        return {}
    rows = db.rows(
        f"{UP} SELECT u.root, m.uid, max(u.depth) FROM up u CROSS JOIN memory m ON m.id = u.id "
        "WHERE u.depth > 1 GROUP BY u.root",
        {"keys": json.dumps(keys)},
    )
    return {root: uid for root, uid, _ in rows}


def history(db: Connection, memory: int) -> list[str]:
    """Return the public ids of all versions of a memory, newest first, itself among them."""
    row = db.row(
        f"{UP} SELECT id FROM up ORDER BY depth DESC LIMIT 1", {"keys": json.dumps([memory])}
    )
    assert row is not None
    rows = db.rows(
        f"{DOWN} SELECT m.uid FROM down d CROSS JOIN memory m ON m.id = d.id "
        f"GROUP BY d.id ORDER BY min(d.depth), m.id DESC LIMIT {HISTORY_MAX}",
        {"keys": json.dumps([row[0]])},
    )
    return [uid for (uid,) in rows]
