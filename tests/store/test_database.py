"""The store's file: what is opened, what is refused, and what a failure leaves behind."""

import os
import sqlite3
from pathlib import Path

import anyio
import pytest

from tmws_mcp.errors import (
    NewerSchema,
    NotADatabase,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreNotWritable,
)
from tmws_mcp.store import driver, migrations, namespaces
from tmws_mcp.store.database import Database, prepare_file, store_error
from tmws_mcp.store.driver import Connection, SqliteError

pytestmark = pytest.mark.anyio


def fill(db: Connection, name: str) -> None:
    namespaces.ensure(db, name, now=1.0)


def fill_then_fail(db: Connection, name: str) -> None:
    fill(db, name)
    raise RuntimeError("after the write")


def leave_no_room(db: Connection) -> None:
    pages = db.row("PRAGMA page_count")
    assert pages is not None
    db.rows(f"PRAGMA max_page_count = {pages[0]}")


def write_a_megabyte(db: Connection) -> None:
    db.run("INSERT INTO meta VALUES ('big', ?)", ("x" * 2**20,))


async def test_a_new_store_is_private_to_its_user(store: Database, path: Path) -> None:
    await store.write(fill, "notes")

    assert path.parent.stat().st_mode & 0o777 == 0o700
    files = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert files == {"tmws.db": 0o600, "tmws.db-shm": 0o600, "tmws.db-wal": 0o600}


async def test_an_acknowledged_write_is_seen_by_every_reader(store: Database) -> None:
    await store.write(fill, "notes")

    async with anyio.create_task_group() as readers:
        for _ in range(5):
            readers.start_soon(_expect_names, store, ("notes",))


async def _expect_names(store: Database, names: tuple[str, ...]) -> None:
    assert await store.read(namespaces.names) == names


async def test_a_failing_write_changes_nothing(store: Database) -> None:
    with pytest.raises(RuntimeError, match="after the write"):
        await store.write(fill_then_fail, "notes")

    assert await store.read(namespaces.names) == ()


async def test_readers_cannot_write(store: Database) -> None:
    with pytest.raises(StoreError):
        await store.read(fill, "notes")


async def test_a_cancelled_write_commits_as_a_whole(store: Database) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await store.write(fill, "notes")

    assert await store.read(namespaces.names) in [(), ("notes",)]
    await store.write(fill, "more")


async def test_a_closed_store_says_so(path: Path) -> None:
    async with Database(path) as store:
        pass

    with pytest.raises(StoreError, match="closed"):
        await store.write(fill, "notes")


async def test_a_file_that_is_no_database_is_left_untouched(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("Dear diary, this is not a database.")

    with pytest.raises(NotADatabase, match="TMWS_DB"):
        async with Database(path):
            pass

    assert path.read_text() == "Dear diary, this is not a database."
    assert [file.name for file in path.parent.iterdir()] == ["tmws.db"]


async def test_another_programs_database_is_left_untouched(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as foreign:
        foreign.execute("CREATE TABLE bookmarks(url)")
    foreign.close()
    before = path.read_bytes()

    with pytest.raises(NotADatabase, match="another program"):
        async with Database(path):
            pass

    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["tmws.db"]


async def test_a_newer_schema_is_not_opened(path: Path) -> None:
    async with Database(path) as store:
        await store.write(_pretend_newer)

    with pytest.raises(NewerSchema, match="Update tmws-mcp"):
        async with Database(path):
            pass


async def test_a_newer_schema_that_appears_stops_writes_and_not_reads(
    store: Database, path: Path
) -> None:
    await store.write(fill, "notes")
    other = sqlite3.connect(path)
    other.execute(f"PRAGMA user_version = {migrations.LATEST + 1}")
    other.close()

    with pytest.raises(NewerSchema):
        await store.write(fill, "more")
    assert await store.read(namespaces.names) == ("notes",)


def _pretend_newer(db: Connection) -> None:
    db.rows(f"PRAGMA user_version = {migrations.LATEST + 1}")


async def test_a_full_disk_loses_no_acknowledged_write(store: Database) -> None:
    await store.write(fill, "notes")
    await store.write(leave_no_room)

    with pytest.raises(StoreFull, match="Free some space"):
        await store.write(write_a_megabyte)

    assert await store.read(namespaces.names) == ("notes",)


async def test_a_damaged_file_is_reported(path: Path) -> None:
    async with Database(path) as store:
        await store.write(write_a_megabyte)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 200_000)

    with pytest.raises(StoreCorrupt, match="doctor"):
        async with Database(path) as store:
            await store.write(fill, "notes")


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes")
def test_a_read_only_folder_is_refused_with_the_remedy(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    locked.chmod(0o555)
    child = os.fork()
    if child == 0:
        os._exit(_try_as_nobody(locked / "tmws.db"))

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list(locked.iterdir()) == []


def _try_as_nobody(path: Path) -> int:
    """Return 0 if the store was refused: root may write anywhere, so root becomes nobody."""
    if os.geteuid() == 0:
        os.setuid(65534)
    try:
        prepare_file(path)
    except StoreNotWritable as error:
        return 0 if "TMWS_HOME" in str(error) else 1
    return 2


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreNotWritable):
        prepare_file(tmp_path / "file" / "tmws.db")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (driver.BUSY, StoreBusy),
        (driver.FULL, StoreFull),
        (driver.READONLY, StoreNotWritable),
        (driver.NOTADB, NotADatabase),
        (driver.CORRUPT, StoreCorrupt),
        (driver.IOERR, StoreError),
        (driver.CONSTRAINT, StoreError),
    ],
)
def test_each_refusal_of_sqlite_has_a_name(
    code: int, expected: type[StoreError], tmp_path: Path
) -> None:
    assert type(store_error(SqliteError(code, "why"), tmp_path / "tmws.db")) is expected
