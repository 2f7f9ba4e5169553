"""Files that were imported wholly: as they were then, they need not be read again.

Whoever forgets something of what was learned may want to learn it anew from the same files: with
that their marks go too (store/forgetting.py).
"""

from collections.abc import Sequence

from tmws_mcp.model.transfer import FileMark
from tmws_mcp.store.driver import Connection

MARKS_MAX = 50_000
"""Of a namespace; of more the oldest go, and such a file is read again, which does no harm."""


def unknown(db: Connection, ns: int, marks: Sequence[FileMark]) -> set[bytes]:
    """Return the names of those files that are not known as they are now."""
    rows = db.rows("SELECT file, size, changed_ns FROM imported WHERE ns = ?", (ns,))
    known = {bytes(file): (size, changed) for file, size, changed in rows}
    return {mark.file for mark in marks if known.get(mark.file) != (mark.size, mark.changed_ns)}


def note(db: Connection, ns: int, marks: Sequence[FileMark], now: float) -> None:
    """Note that all that these files say was observed."""
    db.run_many(
        "INSERT OR REPLACE INTO imported VALUES (?, ?, ?, ?, ?)",
        ((ns, mark.file, mark.size, mark.changed_ns, now) for mark in marks),
    )
    db.run(
        "DELETE FROM imported WHERE ns = ? AND file IN (SELECT file FROM imported WHERE ns = ? "
        "ORDER BY at DESC LIMIT -1 OFFSET ?)",
        (ns, ns, MARKS_MAX),
    )


def forget(db: Connection, ns: int) -> None:
    """Forget which files were imported, so that they are read again."""
    db.run("DELETE FROM imported WHERE ns = ?", (ns,))
