"""Has anybody written since? Asked on the event loop, without a hop to a worker's thread.

SQLite counts the commits that a connection did not make itself (PRAGMA data_version). A connection
that never writes so notices every one, of this process and of others, for some ten microseconds:
whoever has kept an answer under the same number has missed no write that was acknowledged.
"""

from pathlib import Path

from tmws_mcp.store import driver
from tmws_mcp.store.driver import Connection, SqliteError


class Watch:
    """A connection that only looks whether the store has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: Connection | None = None

    def version(self) -> int | None:
        """Return a number that every commit moves; None where it cannot be told at once."""
        try:
            db = self._db or self._opened()
            row = db.row("PRAGMA data_version")
        except SqliteError:
            return None
        return int(row[0]) if row else None

    def close(self) -> None:
        """Close the connection; the next question opens another one."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _opened(self) -> Connection:
        db = driver.connect(self._path)
        # The event loop must not wait for a lock: whoever gets no answer asks the store itself.
        db.rows("PRAGMA busy_timeout = 0")
        driver.for_reading(db)
        self._db = db
        return db
