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


def next_seqs(db: Connection, n: int) -> range:
    """Return the next `n` numbers of the actor's sequence; no number is given twice."""
    if not n:
        return range(0)
    row = db.row("UPDATE meta SET value = value + ? WHERE key = 'seq' RETURNING value", (n,))
    assert row is not None
    last = int(row[0])
    return range(last - n + 1, last + 1)


def next_slots(db: Connection, n: int) -> tuple[str, range]:
    """Return the actor and its next `n` numbers, at least one: what each counted slot carries."""
    row = db.row(
        "UPDATE meta SET value = value + ? WHERE key = 'seq' "
        "RETURNING value, (SELECT value FROM meta WHERE key = 'actor')",
        (n,),
    )
    assert row is not None
    last = int(row[0])
    return str(row[1]), range(last - n + 1, last + 1)


def renew(db: Connection, name: str) -> None:
    """Be another actor from now on: somebody else goes on as the one that this store was.

    The sequence goes on: it is above all that the store has ever numbered.
    """
    db.run("UPDATE meta SET value = ? WHERE key = 'actor'", (name,))


def seq(db: Connection) -> int:
    """Return the last number that was given."""
    row = db.row("SELECT value FROM meta WHERE key = 'seq'")
    assert row is not None
    return int(row[0])


def file(db: Connection) -> str | None:
    """Return which file this store was when it first shared; a copy is another one."""
    row = db.row("SELECT value FROM meta WHERE key = 'shared_file'")
    return str(row[0]) if row else None


def set_file(db: Connection, name: str) -> None:
    """Note which file this store is."""
    db.run("INSERT OR REPLACE INTO meta VALUES ('shared_file', ?)", (name,))


def rename(db: Connection, name: str) -> None:
    """Be another actor, and have counted all that one has counted as that one."""
    old = identity(db)
    for table in ("outcome", "context"):
        db.run(f"UPDATE {table} SET actor = ? WHERE actor = ?", (name, old))
    renew(db, name)
