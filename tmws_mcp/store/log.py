"""The log of observed steps and its sessions: how much there is, and dropping what is old."""

from dataclasses import dataclass

from tmws_mcp.store.driver import Connection


@dataclass(frozen=True, slots=True)
class Extent:
    """What the log of a namespace holds; times in seconds since 1970."""

    steps: int
    oldest: float | None
    newest: float | None
    sessions: int


def extent(db: Connection, ns: int) -> Extent:
    """Return how much the log of a namespace holds."""
    row = db.row(
        "SELECT count(*), min(at), max(at), "
        "(SELECT count(*) FROM session WHERE ns = :ns) FROM step WHERE ns = :ns",
        {"ns": ns},
    )
    assert row is not None
    return Extent(*row)


def drop_old_steps(db: Connection, ns: int, before: float, limit: int) -> int:
    """Drop some of the steps from before a moment, the oldest first.

    The ring is in the order of arrival, so that its beginning is all that has to be looked at.
    """
    return db.run(
        "DELETE FROM step WHERE id IN (SELECT id FROM (SELECT id, at FROM step WHERE ns = ? "
        "ORDER BY ordinal LIMIT ?) WHERE at < ?)",
        (ns, limit, before),
    )


def drop_old_sessions(db: Connection, ns: int, before: float, limit: int) -> int:
    """Drop some of the ended sessions that were quiet since before a moment, with their steps."""
    return db.run(
        "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE ns = ? AND last_at < ? "
        "AND ended_at IS NOT NULL ORDER BY last_at LIMIT ?)",
        (ns, before, limit),
    )
