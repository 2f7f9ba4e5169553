"""Schema 7: which memories changed, in order, so that a kept answer knows whether it still stands.

Triggers note it and not the code that writes: whoever writes cannot forget to, an older version of
this program included. Numbers are never used again, and only the newest of them are kept.
"""

from tmws_mcp.store.driver import Connection

KEPT = 4_096
"""A memory stored makes some five of them. Whoever is further behind makes its answer anew."""
DROPPED_AT_ONCE = 256

TABLE = """
CREATE TABLE memory_change(
    n INTEGER PRIMARY KEY AUTOINCREMENT, ns INTEGER NOT NULL, memory INTEGER NOT NULL
) STRICT;
CREATE INDEX memory_change_of ON memory_change(ns, n);
"""
NOTED = (
    ("memory", "INSERT", "new.ns, new.id"),
    ("memory", "UPDATE", "new.ns, new.id"),
    ("memory", "DELETE", "old.ns, old.id"),
    ("memory_tag", "INSERT", "new.ns, new.memory"),
    ("memory_tag", "DELETE", "old.ns, old.memory"),
    ("memory_search", "INSERT", "new.ns, new.memory"),
    ("memory_similar", "INSERT", "m.ns, m.id FROM memory m WHERE m.id IN (new.memory, new.other)"),
    ("memory_similar", "DELETE", "m.ns, m.id FROM memory m WHERE m.id IN (old.memory, old.other)"),
)
"""What a recall shows or is ranked by: table, kind of write, and the memory that it is about."""


def apply(db: Connection) -> None:
    """Add the table and the triggers that fill it."""
    db.script(TABLE)
    for table, write, which in NOTED:
        db.rows(
            f"CREATE TRIGGER {table}_noted_{write.lower()} AFTER {write} ON {table} BEGIN "
            f"INSERT INTO memory_change(ns, memory) SELECT {which}; END"
        )
    db.rows(
        "CREATE TRIGGER memory_change_bounded AFTER INSERT ON memory_change "
        f"WHEN new.n % {DROPPED_AT_ONCE} = 0 BEGIN "
        f"DELETE FROM memory_change WHERE n <= new.n - {KEPT}; END"
    )
