"""Backup and restore: whole copies of the store's file.

A backup is made by VACUUM INTO: one snapshot while others write, without the free pages in which
erased bytes could lie. A restore puts a checked copy in the store's place while nobody else has it
open, and keeps what was there, so that restoring that one is the undo.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tmws_mcp.errors import (
    FileError,
    NewerSchema,
    NotADatabase,
    StoreCorrupt,
    StoreInUse,
)
from tmws_mcp.store import checkup, driver, migrations
from tmws_mcp.store.database import store_error
from tmws_mcp.store.driver import Connection, SqliteError

PROGRESS_SECONDS = 0.5
DAMAGE_SHOWN_MAX = 5
IN_USE_WAIT_MS_MAX = 200

Progress = Callable[[int, int], None]
"""Told how many bytes of about how many are written."""


def back_up(
    source: Path, target: Path, *, overwrite: bool = False, progress: Progress | None = None
) -> int:
    """Copy the store to a new file while it is in use, check the copy; return its bytes.

    Raises:
        FileError: The target exists, or cannot be written.
        StoreError: The store cannot be read, or the copy is not sound.
    """
    if target.exists() and not overwrite:
        raise FileError(target, "exists already. Name another file, or allow it with --overwrite.")
    if target.exists() and source.exists() and target.samefile(source):
        raise FileError(target, "is the store itself. Name another file.")
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        _reserve(part)
        with checkup.opened(source) as db:
            _check_ours(db, source)
        _vacuum_into(source, part, progress)
        check(part)
        _sync(part)
        part.replace(target)
    except OSError as error:
        raise FileError(target, f"cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size


def _reserve(file: Path) -> None:
    """Make an empty file that only this user can read."""
    file.unlink(missing_ok=True)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _vacuum_into(source: Path, part: Path, progress: Progress | None) -> None:
    try:
        db = driver.connect(source)
        try:
            driver.load_vectors(db)
            row = db.row("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
            with _reported(part, int(row[0]) if row else 0, progress):
                db.rows("VACUUM INTO ?", (str(part),))
        finally:
            db.close()
    except SqliteError as error:
        raise store_error(error, source) from error


@contextmanager
def _reported(part: Path, total: int, progress: Progress | None) -> Iterator[None]:
    """Tell now and then how long the file has become: SQLite does not."""
    done = threading.Event()

    def report() -> None:
        while not done.wait(PROGRESS_SECONDS):
            assert progress is not None
            progress(part.stat().st_size, total)

    reporter = threading.Thread(target=report, daemon=True)
    if progress is not None:
        reporter.start()
    try:
        yield
    finally:
        done.set()
        if progress is not None:
            reporter.join()


def check(file: Path) -> int:
    """Return the schema of a store's file, after all of it was looked at.

    Raises:
        StoreError: It is no store of ours, of a newer version, or damaged.
    """
    with checkup.opened(file) as db:
        schema = _check_ours(db, file)
        driver.load_vectors(db)
        found = [str(row[0]) for row in db.rows(f"PRAGMA integrity_check({DAMAGE_SHOWN_MAX})")]
    if found != ["ok"]:
        raise StoreCorrupt(file, "; ".join(found))
    return schema


def _check_ours(db: Connection, file: Path) -> int:
    owner = checkup.ownership(db)
    if not owner.ours:
        raise NotADatabase(file, "is no store of tmws-mcp")
    if owner.schema > migrations.LATEST:
        raise NewerSchema(file, owner.schema, migrations.LATEST)
    return owner.schema


def restore(copy: Path, store: Path) -> Path | None:
    """Put a checked copy in the store's place; return where lies what was there, if anything.

    Raises:
        FileError: The copy cannot be read, or the store's folder cannot be written.
        StoreError: The copy is not sound, or another process has the store open.
    """
    if not copy.is_file():
        raise FileError(copy, "is no file. Name one that `tmws-mcp backup` has made.")
    if store.exists() and copy.samefile(store):
        raise FileError(copy, "is the store itself. Name a backup of it.")
    check(copy)
    part = store.with_name(f"{store.name}.{os.getpid()}.part")
    try:
        store.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _reserve(part)
        # Not a copy of the file alone: the write-ahead log beside it may hold the newest rows.
        _vacuum_into(copy, part, None)
        check(part)
        _sync(part)
        return _put_in_place(part, store)
    except OSError as error:
        raise FileError(store, f"cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _put_in_place(part: Path, store: Path) -> Path | None:
    if not store.exists() or not store.stat().st_size:
        part.replace(store)
        return None
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    kept = store.with_name(f"{store.name}.replaced.{stamp}.backup")
    with _alone(store):
        store.replace(kept)
        part.replace(store)
    return kept


@contextmanager
def _alone(store: Path) -> Iterator[None]:
    """Hold the store's file so that nobody else can read or write it.

    Leaving the write-ahead log needs the file for oneself: it fails while anybody has it open.
    """
    try:
        db = driver.connect(store)
    except SqliteError as error:
        raise store_error(error, store) from error
    try:
        db.rows(f"PRAGMA busy_timeout = {IN_USE_WAIT_MS_MAX}")
        _take(db, store)
        yield
        if db.in_transaction:
            db.rows("ROLLBACK")
    finally:
        db.close()


def _take(db: Connection, store: Path) -> None:
    try:
        mode = db.row("PRAGMA journal_mode = DELETE")
        if mode is None or mode[0] != "delete":
            raise StoreInUse(store)
        db.rows("BEGIN EXCLUSIVE")
    except SqliteError as error:
        if error.code in (driver.BUSY, driver.LOCKED):
            raise StoreInUse(store) from error
        if error.code in (driver.NOTADB, driver.CORRUPT):
            return  # a damaged store is what one restores: nobody can be at work on it
        raise store_error(error, store) from error


def _sync(file: Path) -> None:
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())
