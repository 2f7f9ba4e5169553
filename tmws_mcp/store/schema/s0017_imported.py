"""Schema 17: the files that were imported wholly, so that a repeat need not read them."""

from tmws_mcp.store.driver import Connection

IMPORTED = """
-- A file by the fingerprint of its source and path, and how it was when it was read.
CREATE TABLE imported(
    ns INTEGER NOT NULL REFERENCES namespace(id),
    file BLOB NOT NULL,
    size INTEGER NOT NULL,
    changed_ns INTEGER NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY(ns, file)
) STRICT, WITHOUT ROWID;
"""


def apply(db: Connection) -> None:
    """Add the table."""
    db.script(IMPORTED)
