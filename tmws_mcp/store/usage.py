"""How often memories were recalled, and when last: what nobody needed may be archived."""

import json
from collections.abc import Mapping, Sequence

from tmws_mcp.store.driver import Connection


def count_recalls(db: Connection, recalled: Mapping[str, tuple[int, float]]) -> None:
    """Add to memories how often they were recalled since, and when last, by public id."""
    db.run_many(
        "INSERT INTO memory_use(memory, recalls, last_at) "
        "SELECT m.id, :recalls, :at FROM memory m WHERE m.uid = :uid "
        "ON CONFLICT(memory) DO UPDATE SET recalls = recalls + excluded.recalls, "
        "last_at = max(last_at, excluded.last_at)",
        ({"uid": uid, "recalls": times, "at": at} for uid, (times, at) in recalled.items()),
    )


def put(db: Connection, memory: int, recalls: int, last_at: float) -> None:
    """Write how often a memory was recalled elsewhere."""
    db.run("INSERT OR REPLACE INTO memory_use VALUES (?, ?, ?)", (memory, recalls, last_at))


def recalled(db: Connection, memories: Sequence[int]) -> dict[int, tuple[int, float]]:
    """Return recalls and last time of those memories that were recalled at all."""
    rows = db.rows(
        "SELECT u.memory, u.recalls, u.last_at FROM json_each(?) j "
        "CROSS JOIN memory_use u ON u.memory = j.value",
        (json.dumps(memories),),
    )
    return {memory: (recalls, at) for memory, recalls, at in rows}
