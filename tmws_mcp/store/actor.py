"""Who writes: one actor for each store file, and the sequence of its changes.

Several processes on one store are one actor, so identity and sequence are read and moved in the
transaction that uses them, never kept in a process.
"""

from tmws_mcp.store.driver import Connection


def identity(db: Connection) -> str:
    """Return the store's actor id, 16 hex digits."""
    row = db.row("SELECT value FROM meta WHERE key = 'actor'")
    assert row is not None
    return str(row[0])


def next_seq(db: Connection) -> int:
    """Return the next number of the actor's sequence; no number is given twice."""
    row = db.row("UPDATE meta SET value = value + 1 WHERE key = 'seq' RETURNING value")
    assert row is not None
    return int(row[0])
