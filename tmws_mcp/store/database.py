"""The store's file: opening it safely, and running functions on it.

An engine call makes one thread hop: it hands a function of the store's other modules to `read` or
`write`, which runs it on a connection's worker thread within one transaction. One connection writes
and a few read (readers.py); several processes may do so on one file, so that a write takes SQLite's
write lock from its beginning (BEGIN IMMEDIATE) and waits for it for a bounded time.
"""

import os
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar, cast

import aiosqlite
import anyio
import anyio.to_thread

from tmws_mcp.errors import (
    NewerSchema,
    NotADatabase,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreNotWritable,
)
from tmws_mcp.store import driver, migrations
from tmws_mcp.store.driver import Connection, SqliteError
from tmws_mcp.store.readers import Readers
from tmws_mcp.store.use import Use
from tmws_mcp.store.watch import Watch

P = ParamSpec("P")
T = TypeVar("T")

HEADER = b"SQLite format 3\0"
AIOSQLITE_CHUNK = 64  # its own default; we fetch whole results and never use it


class Database:
    """An open store. Use `async with Database(path) as store`."""

    def __init__(self, path: Path, *, durability: str = "normal") -> None:
        self.path = path
        self.vectors = False
        """Whether sqlite-vec is loaded."""
        self._durability = durability
        self._writer: aiosqlite.Connection | None = None
        self.readers = Readers(partial(self._connect, writer=False))
        self.use = Use()
        self._watch = Watch(path)

    async def __aenter__(self) -> Self:
        prepare_file(self.path)
        self._writer = await self._connect(writer=True)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._watch.close()
        with anyio.CancelScope(shield=True):
            async with self.readers.nobody():
                if self._writer is not None:
                    await self._writer.close()
                self._writer = None

    def version(self) -> int | None:
        """Return a number that every commit of any process moves; None where it cannot be told."""
        return None if self._writer is None else self._watch.version()

    async def write(
        self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work(connection, …)` in one write transaction and return its result.

        Cancelling the caller does not undo it: once begun it commits or fails as a whole.

        Raises:
            StoreError: It was not written; the message says why.
        """
        if self._writer is None:
            raise StoreError("The store is closed.")
        with anyio.CancelScope(shield=True):
            result = await self._hop(self._writer, _write, self.path, work, *args, **kwargs)
        return cast("T", result)

    async def read(
        self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work(connection, …)` on one snapshot of the store and return its result.

        Raises:
            StoreError: It could not be read; the message says why.
        """
        async with self.readers.turn() as waited:
            self.use.waited += waited
            if self._writer is None:
                raise StoreError("The store is closed.")
            # Shielded, so that the connection is idle again when it goes back to the others.
            with anyio.CancelScope(shield=True):
                reader = await self.readers.take()
                try:
                    result = await self._hop(reader, _read, self.path, work, *args, **kwargs)
                finally:
                    self.readers.give_back(reader)
        return cast("T", result)

    async def empty_log(self) -> bool:
        """Move the write-ahead log into the file and cut it to nothing; False if others read it.

        The log keeps old versions of pages, and with them what was erased, until it is emptied.

        Raises:
            StoreError: The disk failed.
        """
        if self._writer is None:
            raise StoreError("The store is closed.")
        with anyio.CancelScope(shield=True):
            emptied = await self._hop(self._writer, _empty_log, self.path)
        return bool(emptied)

    async def _hop(
        self,
        connection: aiosqlite.Connection,
        run: Callable[..., object],
        /,
        *args: object,
        **kwargs: object,
    ) -> object:
        # aiosqlite has no public way to run a function of ours on its thread; the upper bound on
        # its version and tests/store/test_database.py guard this one.
        hop: Callable[..., Awaitable[object]] = connection._execute  # noqa: SLF001
        writes, asked = connection is self._writer, time.perf_counter()

        def timed(*given: object, **named: object) -> object:
            began = time.perf_counter()
            try:
                return run(*given, **named)
            finally:
                self.use.add(writes, waited=began - asked, worked=time.perf_counter() - began)

        return await hop(timed, connection._conn, *args, **kwargs)  # noqa: SLF001

    async def _connect(self, *, writer: bool) -> aiosqlite.Connection:
        def connector() -> Connection:
            db, self.vectors = _opened(self.path, self._durability, writer=writer)
            return db

        connection = aiosqlite.Connection(cast("Callable[[], object]", connector), AIOSQLITE_CHUNK)  # type: ignore[arg-type]
        # A daemon: a process whose main thread is gone must not be kept alive by an idle store.
        connection._thread.daemon = True  # noqa: SLF001
        try:
            await connection
        except BaseException:
            # Its thread still reports that it ends, and must find the event loop alive.
            await anyio.to_thread.run_sync(connection._thread.join)  # noqa: SLF001
            raise
        return connection


def prepare_file(path: Path) -> None:
    """Make the store's folder (0700) and an empty file (0600) where there is none.

    Raises:
        NotADatabase: The file holds something else; it is left as it is.
        StoreNotWritable: Folder or file cannot be made or written.
    """
    try:
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, parents=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with path.open("rb") as file:
            header = file.read(len(HEADER))
    except OSError as error:
        raise StoreNotWritable(path, error.strerror or str(error)) from error
    if header and header != HEADER:
        raise NotADatabase(path)
    if not os.access(path.parent, os.W_OK):
        # SQLite must be able to make the files of the write-ahead log beside it.
        raise StoreNotWritable(path, "its folder is read-only")


def _opened(path: Path, durability: str, *, writer: bool) -> tuple[Connection, bool]:
    try:
        db = driver.connect(path)
        try:
            vectors = driver.load_vectors(db)
            if writer:
                # Looked at first: the switch to the write-ahead log changes the file.
                migrations.check_usable(db, path)
                driver.for_writing(db, durability)
                migrations.migrate(db, path)
            else:
                driver.for_reading(db)
        except BaseException:
            db.close()
            raise
    except SqliteError as error:
        raise store_error(error, path) from error
    return db, vectors


def _write(
    db: Connection,
    path: Path,
    work: Callable[Concatenate[Connection, P], T],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    try:
        db.rows("BEGIN IMMEDIATE")
        try:
            _check_schema(db, path)
            result = work(db, *args, **kwargs)
            db.rows("COMMIT")
        except BaseException:
            if db.in_transaction:  # SQLite rolls some failures back by itself
                db.rows("ROLLBACK")
            raise
    except SqliteError as error:
        raise store_error(error, path) from error
    return result


def _read(
    db: Connection,
    path: Path,
    work: Callable[Concatenate[Connection, P], T],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    try:
        db.rows("BEGIN")
        try:
            return work(db, *args, **kwargs)
        finally:
            if db.in_transaction:
                db.rows("ROLLBACK")
    except SqliteError as error:
        raise store_error(error, path) from error


def _empty_log(db: Connection, path: Path) -> bool:
    try:
        return driver.empty_log(db)
    except SqliteError as error:
        raise store_error(error, path) from error


def _check_schema(db: Connection, path: Path) -> None:
    """Stop writing when a newer version has migrated the store while this process ran."""
    found = migrations.version(db)
    if found > migrations.LATEST:
        raise NewerSchema(path, found, migrations.LATEST)


def store_error(error: SqliteError, path: Path) -> StoreError:
    """Return the error that tells a user what SQLite's means for the store at `path`."""
    message = str(error)
    match error.code:
        case driver.BUSY | driver.LOCKED:
            return StoreBusy(path, driver.BUSY_SECONDS_MAX)
        case driver.FULL:
            return StoreFull(path)
        case driver.READONLY | driver.CANTOPEN:
            return StoreNotWritable(path, message)
        case driver.NOTADB:
            return NotADatabase(path)
        case driver.CORRUPT:
            return StoreCorrupt(path, message)
        case driver.IOERR:
            # A disk that fills up shows as an I/O error where SQLite maps or syncs a file.
            return (
                StoreFull(path)
                if _disk_is_full(path)
                else StoreError(f"The disk of {path} failed ({message}); this write was not made.")
            )
        case _:
            return StoreError(f"The store {path} could not do this: {message}")


def _disk_is_full(path: Path) -> bool:
    try:
        status = os.statvfs(path.parent)
    except (OSError, AttributeError):  # Windows has no statvfs
        return False
    return status.f_bavail * status.f_frsize < migrations.ROOM_BYTES_MIN
