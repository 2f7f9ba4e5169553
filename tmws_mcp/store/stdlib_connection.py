"""A connection through the standard library, for where apsw cannot be imported."""

import sqlite3
import sys
from collections.abc import Iterable
from pathlib import Path

from tmws_mcp.store.driver import OLDEST_SQLITE, STATEMENTS_KEPT_MAX, Params, Row, SqliteError

CANNOT = 1  # SQLITE_ERROR


class StdlibConnection:
    """The store's connection interface (driver.Connection) over sqlite3."""

    def __init__(self, path: Path, busy_seconds_max: float) -> None:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            oldest = ".".join(map(str, OLDEST_SQLITE))
            raise SqliteError(
                CANNOT,
                f"this Python's SQLite {sqlite3.sqlite_version} is older than {oldest}; "
                "install apsw, which brings its own",
            )
        try:
            self._db = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=busy_seconds_max,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=STATEMENTS_KEPT_MAX,
            )
            if sys.version_info >= (3, 12):
                self._db.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_QPSG)  # as in apsw_connection.py
        except sqlite3.Error as error:
            raise _translated(error) from error

    def rows(self, sql: str, params: Params = ()) -> list[Row]:
        try:
            return self._db.execute(sql, params).fetchall()
        except sqlite3.Error as error:
            raise _translated(error) from error

    def row(self, sql: str, params: Params = ()) -> Row | None:
        found = self.rows(sql, params)
        return found[0] if found else None

    def run(self, sql: str, params: Params = ()) -> int:
        try:
            cursor = self._db.execute(sql, params)
            cursor.fetchall()
        except sqlite3.Error as error:
            raise _translated(error) from error
        return max(cursor.rowcount, 0)

    def run_many(self, sql: str, rows: Iterable[Params]) -> None:
        try:
            self._db.executemany(sql, rows)
        except sqlite3.Error as error:
            raise _translated(error) from error

    def script(self, sql: str) -> None:
        # executescript() would commit first; a migration must stay in its transaction.
        statement = ""
        for line in sql.splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):
                self.rows(statement)
                statement = ""

    @property
    def in_transaction(self) -> bool:
        return self._db.in_transaction

    def load_extension(self, path: str) -> None:
        try:
            self._db.enable_load_extension(True)
            self._db.load_extension(path)
        except sqlite3.Error as error:
            raise _translated(error) from error
        finally:
            # Switched off again at once: SQL from elsewhere must not be able to load code.
            self._db.enable_load_extension(False)

    def interrupt(self) -> None:
        self._db.interrupt()

    def close(self) -> None:
        self._db.close()


def _translated(error: sqlite3.Error) -> SqliteError:
    code = getattr(error, "sqlite_errorcode", CANNOT) or CANNOT
    return SqliteError(code & 0xFF, str(error))
