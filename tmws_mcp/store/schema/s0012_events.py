"""Schema 12: events for those who watch, numbered within each namespace.

Written only while somebody watches, and dropped a minute later: a watcher reads where it stopped,
and tells from the numbers how much it has missed.
"""

from tmws_mcp.store.driver import Connection

TABLES = """
-- ns is a namespace's key; 0: about the whole server.
CREATE TABLE event(
    ns INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY(ns, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE event_head(
    ns INTEGER PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT;
"""


def apply(db: Connection) -> None:
    """Add the tables."""
    db.script(TABLES)
