"""Schema 10: figures of executions, caches and connections, a row for each thing and day.

A row belongs to one actor, and holds integers alone: whatever several processes, or days, have
counted adds up exactly in any order.
"""

from tmws_mcp.store.driver import Connection

TABLE = """
CREATE TABLE figure(
    day INTEGER NOT NULL,
    actor TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    counts TEXT NOT NULL,
    PRIMARY KEY(day, actor, kind, name)
) STRICT, WITHOUT ROWID;
"""


def apply(db: Connection) -> None:
    """Add the table."""
    db.script(TABLE)
