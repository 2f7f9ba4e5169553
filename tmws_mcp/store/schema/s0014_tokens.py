"""Schema 14: tokens of the HTTP surface, and what was written with them.

Of a token the SHA-256 alone is kept: it is 256 random bits, which nobody can guess from it.
"""

from tmws_mcp.store.driver import Connection

TABLES = """
CREATE TABLE token(
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    digest BLOB NOT NULL,
    permissions TEXT NOT NULL,
    namespaces TEXT NOT NULL,
    per_minute INTEGER NOT NULL,
    created_at REAL NOT NULL,
    expires_at REAL,
    revoked_at REAL,
    used_at REAL
) STRICT;
CREATE TABLE audit(
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    token TEXT NOT NULL,
    action TEXT NOT NULL,
    namespace TEXT NOT NULL,
    outcome TEXT NOT NULL
) STRICT;
"""


def apply(db: Connection) -> None:
    """Add the tables."""
    db.script(TABLES)
