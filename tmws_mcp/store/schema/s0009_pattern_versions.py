"""Schema 9: the versions of authored patterns, and which two of them are being compared."""

from tmws_mcp.store.driver import Connection

TABLES = """
CREATE TABLE pattern_version(
    pattern TEXT NOT NULL, version TEXT NOT NULL, at REAL NOT NULL, definition TEXT NOT NULL,
    PRIMARY KEY(pattern, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE pattern_trial(
    pattern TEXT PRIMARY KEY, one TEXT NOT NULL, other TEXT NOT NULL, share REAL NOT NULL,
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;
"""


def apply(db: Connection) -> None:
    """Add the tables."""
    db.script(TABLES)
