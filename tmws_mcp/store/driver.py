"""Which SQLite library runs, and how a connection to it is opened.

apsw comes first: its wheels bundle a current SQLite that loads extensions. The standard library's
sqlite3 serves only where apsw cannot be imported, and only if it is new enough (FTS5
`contentless_delete` came with 3.43) and built with loadable extensions, which many Pythons are not.
A process uses one of the two, never both on one file: POSIX locks of two libraries in one process
cancel each other (sqlite.org/howtocorrupt.html, 2.2.1).

Rows are fetched at once, never lazily: a statement left open would hold back its transaction.
"""

import functools
import importlib.util
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

Params = Sequence[object] | Mapping[str, object]
Row = tuple[Any, ...]

BUSY_SECONDS_MAX = 10.0
OLDEST_SQLITE = (3, 43, 0)
WAL_BYTES_KEPT = 16 * 1024 * 1024
LOG_WAIT_MS_MAX = 200
STATEMENTS_KEPT_MAX = 512
"""Statements kept prepared, of those run last: apsw counts what was run, not what is different. A
session runs some hundreds, those of its end once; with the usual 100 each observation prepared
four of its statements anew, which takes longer than running them."""
WAL_TRIES = 5  # switching to WAL may answer "busy" without asking the busy handler

BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, CONSTRAINT, NOTADB = (
    5, 6, 8, 10, 11, 13, 14, 19, 26,
)  # fmt: skip


class SqliteError(Exception):
    """SQLite refused; `code` is its primary result code (sqlite.org/rescode.html)."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


class Connection(Protocol):
    """What the store asks of a connection; both libraries give it."""

    def rows(self, sql: str, params: Params = ()) -> list[Row]:
        """Run a statement and return all its rows."""
        ...

    def row(self, sql: str, params: Params = ()) -> Row | None:
        """Run a statement and return its first row."""
        ...

    def run(self, sql: str, params: Params = ()) -> int:
        """Run a statement and return how many rows it changed."""
        ...

    def run_many(self, sql: str, rows: Iterable[Params]) -> None:
        """Run a statement once for each set of parameters."""
        ...

    def script(self, sql: str) -> None:
        """Run several statements; the transaction stays as it is."""
        ...

    @property
    def in_transaction(self) -> bool:
        """Tell whether a transaction is open."""
        ...

    def load_extension(self, path: str) -> None:
        """Load an extension's library, and forbid loading again at once."""
        ...

    def interrupt(self) -> None:
        """Stop the statement that is running; may be called from another thread."""
        ...

    def close(self) -> None:
        """Close; further calls fail."""
        ...


@dataclass(frozen=True, slots=True)
class Library:
    """The SQLite library of this process."""

    name: str
    """apsw or sqlite3."""
    version: tuple[int, int, int]
    loads_extensions: bool

    def __str__(self) -> str:
        return f"{self.name} with SQLite {'.'.join(map(str, self.version))}"


@functools.cache
def library() -> Library:
    """Return the library that connections of this process use."""
    try:
        import apsw  # noqa: PLC0415 - its absence is what this function finds out
    except ImportError:
        loads = hasattr(sqlite3.Connection, "enable_load_extension")
        return Library("sqlite3", sqlite3.sqlite_version_info[:3], loads)
    major, minor, patch = (int(part) for part in apsw.sqlite_lib_version().split("."))
    return Library("apsw", (major, minor, patch), loads_extensions=True)


@functools.cache
def vector_extension() -> str | None:
    """Return the path of sqlite-vec's library, or None where it is not installed.

    Its package is looked up and not imported: it imports numpy, which costs a start 90 ms.
    """
    spec = importlib.util.find_spec("sqlite_vec")
    if spec is None or not spec.submodule_search_locations:
        return None
    return str(Path(spec.submodule_search_locations[0]) / "vec0")


def connect(path: Path) -> Connection:
    """Open a connection to the file at `path`, which exists; nothing in it is changed.

    Raises:
        SqliteError: SQLite cannot open the file.
    """
    db = _open(path)
    try:
        db.rows("PRAGMA foreign_keys = ON")
        db.rows("PRAGMA temp_store = MEMORY")
    except BaseException:
        db.close()
        raise
    return db


def _open(path: Path) -> Connection:
    if library().name == "apsw":
        from tmws_mcp.store.apsw_connection import ApswConnection  # noqa: PLC0415 - may be absent

        return ApswConnection(path, BUSY_SECONDS_MAX)
    from tmws_mcp.store.stdlib_connection import StdlibConnection  # noqa: PLC0415 - the other one

    return StdlibConnection(path, BUSY_SECONDS_MAX)


def for_reading(db: Connection) -> None:
    """Forbid the connection to write."""
    db.rows("PRAGMA query_only = ON")


def for_writing(db: Connection, durability: str) -> None:
    """Let the connection write through a log beside the file; the file must be known to be ours."""
    _use_wal(db)
    db.rows(f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}")
    # From the first write on: what is moved or merged leaves copies in free space, which erasing
    # could not find any more. Its cost is lost in the noise (store_memory at 10k memories).
    db.rows("PRAGMA secure_delete = ON")
    db.rows(f"PRAGMA journal_size_limit = {WAL_BYTES_KEPT}")


def empty_log(db: Connection) -> bool:
    """Move the log into the file and cut it; False while another connection needs it."""
    # Nobody can write while it waits for those who read, so that it must not wait for long.
    db.rows(f"PRAGMA busy_timeout = {LOG_WAIT_MS_MAX}")
    try:
        row = db.row("PRAGMA wal_checkpoint(TRUNCATE)")
    except SqliteError as error:
        if error.code not in (BUSY, LOCKED):
            raise
        return False
    finally:
        db.rows(f"PRAGMA busy_timeout = {int(BUSY_SECONDS_MAX * 1000)}")
    return row is not None and not row[0]


def _use_wal(db: Connection) -> None:
    for attempt in range(WAL_TRIES):
        try:
            db.rows("PRAGMA journal_mode = WAL")
        except SqliteError as error:
            if error.code not in (BUSY, LOCKED) or attempt == WAL_TRIES - 1:
                raise
        else:
            return


def load_vectors(db: Connection) -> bool:
    """Load sqlite-vec into the connection; False where it cannot be had."""
    path = vector_extension()
    if path is None or not library().loads_extensions:
        return False
    try:
        db.load_extension(path)
    except SqliteError:
        return False
    return True
