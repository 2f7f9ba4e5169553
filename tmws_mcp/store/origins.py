"""Where memories come from: few rows, which many memories share."""

from tmws_mcp.model import Origin
from tmws_mcp.store.driver import Connection

ORIGINS_MAX = 10_000
"""A client may call itself by another name each time; beyond these its name is left out."""


def ensure(db: Connection, origin: Origin) -> int:
    """Return the key of an origin; a new one is made."""
    if (known := _find(db, origin)) is not None:
        return known
    row = db.row("SELECT count(*) FROM origin")
    assert row is not None
    if row[0] >= ORIGINS_MAX and origin.client:
        return ensure(db, origin.model_copy(update={"client": ""}))
    row = db.row(
        "INSERT INTO origin(trust, via, client) VALUES (?, ?, ?) RETURNING id",
        (origin.trust, origin.via, origin.client),
    )
    assert row is not None
    return int(row[0])


def _find(db: Connection, origin: Origin) -> int | None:
    row = db.row(
        "SELECT id FROM origin WHERE trust = ? AND via = ? AND client = ?",
        (origin.trust, origin.via, origin.client),
    )
    return int(row[0]) if row else None
