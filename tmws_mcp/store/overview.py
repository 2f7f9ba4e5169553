"""What there is to choose from: counts, tags, ids, personas of some namespaces."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tmws_mcp.store.driver import Connection
from tmws_mcp.store.selection import CURRENT

LAST = "\U0010ffff"
"""Sorts behind every continuation of a prefix."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of one namespace; times in seconds since 1970."""

    memories: int
    with_vectors: int
    superseded: int
    forgotten: int
    threads: int
    tags: int
    oldest: float | None
    newest: float | None


def totals(db: Connection, ns: int) -> Totals:
    """Count a namespace."""
    row = db.row(
        f"SELECT count(*) FILTER (WHERE {CURRENT}), "
        f"count(*) FILTER (WHERE {CURRENT} AND m.embedder > ''), "
        "count(*) FILTER (WHERE m.forgotten_at IS NULL AND m.superseded_by IS NOT NULL), "
        "count(*) FILTER (WHERE m.forgotten_at IS NOT NULL), "
        "(SELECT count(*) FROM thread t WHERE t.ns = :ns), "
        "(SELECT count(DISTINCT g.tag) FROM memory_tag g WHERE g.ns = :ns), "
        f"min(m.created_at) FILTER (WHERE {CURRENT}), max(m.created_at) FILTER (WHERE {CURRENT}) "
        "FROM memory m WHERE m.ns = :ns",
        {"ns": ns},
    )
    assert row is not None
    return Totals(*row)


def kinds(db: Connection, ns: int) -> dict[str, int]:
    """Return how many current memories a namespace has of each kind."""
    return dict(
        db.rows(
            f"SELECT m.kind, count(*) FROM memory m WHERE m.ns = ? AND {CURRENT} GROUP BY m.kind",
            (ns,),
        )
    )


def used_bytes(db: Connection) -> int:
    """Return how many bytes of the store's file are in use: free pages do not count."""
    row = db.row(
        "SELECT (p.page_count - f.freelist_count) * s.page_size "
        "FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s"
    )
    assert row is not None
    return int(row[0])


def tags(db: Connection, namespaces: Sequence[int], prefix: str, limit: int) -> list[str]:
    """Return tags that begin with a prefix, in order."""
    rows = db.rows(
        "SELECT DISTINCT g.tag FROM json_each(:namespaces) n CROSS JOIN memory_tag g "
        "ON g.ns = n.value AND g.tag >= :prefix AND g.tag < :end "
        f"JOIN memory m ON m.id = g.memory WHERE {CURRENT} ORDER BY g.tag LIMIT :limit",
        _prefixed(namespaces, prefix, limit),
    )
    return [row[0] for row in rows]


def uids(db: Connection, namespaces: Sequence[int], prefix: str, limit: int) -> list[str]:
    """Return public ids that begin with a prefix, in order."""
    rows = db.rows(
        "SELECT m.uid FROM memory m WHERE m.uid >= :prefix AND m.uid < :end "
        "AND m.ns IN (SELECT value FROM json_each(:namespaces)) AND m.forgotten_at IS NULL "
        "ORDER BY m.uid LIMIT :limit",
        _prefixed(namespaces, prefix, limit),
    )
    return [row[0] for row in rows]


def personas(db: Connection, namespaces: Sequence[int], prefix: str, limit: int) -> list[str]:
    """Return personas that begin with a prefix, in order."""
    rows = db.rows(
        "SELECT DISTINCT m.persona FROM json_each(:namespaces) n CROSS JOIN memory m "
        "ON m.ns = n.value AND m.persona >= :prefix AND m.persona < :end "
        "WHERE m.forgotten_at IS NULL ORDER BY m.persona LIMIT :limit",
        _prefixed(namespaces, prefix, limit),
    )
    return [row[0] for row in rows]


def _prefixed(namespaces: Sequence[int], prefix: str, limit: int) -> dict[str, object]:
    return {
        "namespaces": json.dumps(namespaces),
        "prefix": prefix,
        "end": prefix + LAST,
        "limit": limit,
    }
