"""Which memories the rules of consolidation look at. Each statement goes through one namespace."""

from tmws_mcp.store.driver import Connection
from tmws_mcp.store.selection import CURRENT

OF_NAMESPACE = f"FROM memory m INDEXED BY memory_newest WHERE m.ns = :ns AND {CURRENT} "


def twins(db: Connection, ns: int, least: float, after: int, limit: int) -> list[tuple[int, int]]:
    """Return pairs of current memories that were linked as nearly the same, by their keys.

    None of them stands in a thread, where it is the context of its neighbours, and both were said
    by the same and are of one kind. All pairs of the last memory are there, so that `after` loses
    none.
    """
    return db.rows(
        "SELECT s.memory, s.other FROM (SELECT DISTINCT s.memory AS id FROM memory_similar s "
        "CROSS JOIN memory m ON m.id = s.memory WHERE s.memory > :after AND m.ns = :ns "
        f"AND {CURRENT} AND m.thread IS NULL AND s.similarity >= :least ORDER BY 1 LIMIT :limit) p "
        "CROSS JOIN memory m ON m.id = p.id CROSS JOIN memory_similar s ON s.memory = m.id "
        "CROSS JOIN memory o ON o.id = s.other WHERE s.similarity >= :least AND o.ns = m.ns "
        "AND o.forgotten_at IS NULL AND o.superseded_by IS NULL AND o.thread IS NULL "
        "AND m.kind = o.kind AND m.speaker IS o.speaker AND m.persona IS o.persona "
        "ORDER BY s.memory, s.other",
        {"ns": ns, "least": least, "after": after, "limit": limit},
    )


def of_trust(db: Connection, ns: int, trust: str, limit: int) -> list[int]:
    """Return a namespace's current memories of a trust level, newest first."""
    rows = db.rows(
        f"SELECT m.id {OF_NAMESPACE} AND coalesce((SELECT o.trust FROM origin o "
        "WHERE o.id = m.origin), 'agent') = :trust ORDER BY m.created_at DESC, m.id DESC "
        "LIMIT :limit",
        {"ns": ns, "trust": trust, "limit": limit},
    )
    return [row[0] for row in rows]


def superseded(db: Connection, ns: int, before: float, limit: int) -> list[int]:
    """Return memories that a newer version from before then has replaced."""
    rows = db.rows(
        "SELECT o.id FROM memory o INDEXED BY memory_older "
        "CROSS JOIN memory n ON n.id = o.superseded_by WHERE o.superseded_by IS NOT NULL "
        "AND o.ns = :ns AND n.forgotten_at IS NULL AND n.created_at < :before "
        "AND o.id <> n.id AND o.forgotten_at IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM archived a WHERE a.memory = o.id) "
        "ORDER BY o.id LIMIT :limit",
        {"ns": ns, "before": before, "limit": limit},
    )
    return [row[0] for row in rows]


def faded(db: Connection, ns: int, before: float, importance: float, limit: int) -> list[int]:
    """Return old turns of little importance that no recall has shown since then."""
    rows = db.rows(
        f"SELECT m.id {OF_NAMESPACE} AND m.created_at < :before AND m.kind = 'episodic' "
        "AND m.importance < :importance AND NOT EXISTS (SELECT 1 FROM memory_use u "
        "WHERE u.memory = m.id AND u.last_at >= :before) "
        "AND NOT EXISTS (SELECT 1 FROM origin o WHERE o.id = m.origin AND o.trust = 'user') "
        "ORDER BY m.created_at, m.id LIMIT :limit",
        {"ns": ns, "before": before, "importance": importance, "limit": limit},
    )
    return [row[0] for row in rows]


def older(db: Connection, ns: int, kind: str, before: float, limit: int) -> list[int]:
    """Return current memories of a kind from before then, oldest first."""
    rows = db.rows(
        f"SELECT m.id {OF_NAMESPACE} AND m.created_at < :before AND m.kind = :kind "
        "ORDER BY m.created_at, m.id LIMIT :limit",
        {"ns": ns, "kind": kind, "before": before, "limit": limit},
    )
    return [row[0] for row in rows]


def text_hash(db: Connection, memory: int) -> bytes:
    """Return the hash of a memory's text."""
    row = db.row("SELECT content_hash FROM memory WHERE id = ?", (memory,))
    assert row is not None
    return bytes(row[0])
