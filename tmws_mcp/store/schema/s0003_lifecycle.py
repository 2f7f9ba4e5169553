"""Lifecycle: who stored a memory, how often it was recalled, and what consolidation archived.

An archived memory keeps its row and leaves every index. It does so by the columns that take an
older version out of them: `superseded_by` names the memory that stands for it, or itself where none
does. So each statement that looks for current memories is right about archived ones too, in older
processes as well, and no hot partial index had to be made anew.
"""

from tmws_mcp.store.driver import Connection

TABLES = """
-- Few rows, shared by all memories that came the same way.
CREATE TABLE origin(
    id INTEGER PRIMARY KEY,
    trust TEXT NOT NULL,
    via TEXT NOT NULL,
    client TEXT NOT NULL,
    UNIQUE(trust, via, client)
) STRICT;
ALTER TABLE memory ADD COLUMN origin INTEGER REFERENCES origin(id);
CREATE TABLE memory_use(
    memory INTEGER PRIMARY KEY REFERENCES memory(id) ON DELETE CASCADE,
    recalls INTEGER NOT NULL,
    last_at REAL NOT NULL
) STRICT;
CREATE TABLE archive(
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    ns INTEGER NOT NULL REFERENCES namespace(id),
    made_at REAL NOT NULL
) STRICT;
CREATE INDEX archive_newest ON archive(ns, made_at);
CREATE TABLE archived(
    memory INTEGER PRIMARY KEY REFERENCES memory(id) ON DELETE CASCADE,
    archive INTEGER NOT NULL REFERENCES archive(id) ON DELETE CASCADE,
    reason TEXT NOT NULL
) STRICT;
CREATE INDEX archived_together ON archived(archive);
CREATE INDEX memory_expired ON memory(expires_at) WHERE expires_at IS NOT NULL;
"""


def apply(db: Connection) -> None:
    """Add the tables and the column; what is stored stays as it is."""
    db.script(TABLES)
