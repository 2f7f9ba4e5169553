"""A connection through apsw."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import apsw

from tmws_mcp.store.driver import STATEMENTS_KEPT_MAX, Params, Row, SqliteError


class ApswConnection:
    """The store's connection interface (driver.Connection) over apsw."""

    def __init__(self, path: Path, busy_seconds_max: float) -> None:
        try:
            self._db = apsw.Connection(
                str(path),
                flags=apsw.SQLITE_OPEN_READWRITE,
                statementcachesize=STATEMENTS_KEPT_MAX,
            )
            self._db.set_busy_timeout(int(busy_seconds_max * 1000))
            # Else SQLite plans a statement anew each time that a limit or the like is bound to it,
            # which takes several times as long as running it.
            self._db.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        except apsw.Error as error:
            raise _translated(error) from error

    def rows(self, sql: str, params: Params = ()) -> list[Row]:
        try:
            return self._db.execute(sql, params or None).fetchall()
        except apsw.Error as error:
            raise _translated(error) from error

    def row(self, sql: str, params: Params = ()) -> Row | None:
        found = self.rows(sql, params)
        return found[0] if found else None

    def run(self, sql: str, params: Params = ()) -> int:
        self.rows(sql, params)
        return int(self._db.changes())

    def run_many(self, sql: str, rows: Iterable[Params]) -> None:
        try:
            self._db.executemany(sql, rows).fetchall()
        except apsw.Error as error:
            raise _translated(error) from error

    def script(self, sql: str) -> None:
        self.rows(sql)  # apsw runs all statements of a text

    @property
    def in_transaction(self) -> bool:
        return bool(self._db.in_transaction)

    def load_extension(self, path: str) -> None:
        try:
            self._db.enable_load_extension(True)
            self._db.load_extension(path)
        except apsw.Error as error:
            raise _translated(error) from error
        finally:
            # Switched off again at once: SQL from elsewhere must not be able to load code.
            self._db.enable_load_extension(False)

    def interrupt(self) -> None:
        self._db.interrupt()

    def close(self) -> None:
        self._db.close()


def _translated(error: Any) -> SqliteError:
    return SqliteError(getattr(error, "result", -1), str(error))
