"""A store is brought up to date once, completely, and after a copy was made."""

import sqlite3
from pathlib import Path

import anyio
import pytest

from tmws_mcp.errors import StoreError
from tmws_mcp.store import actor, migrations, namespaces
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection

pytestmark = pytest.mark.anyio


def add_colour(db: Connection) -> None:
    db.rows("ALTER TABLE namespace ADD COLUMN colour TEXT")


def add_colour_and_fail(db: Connection) -> None:
    add_colour(db)
    raise StoreError("half way")


def release_next(monkeypatch: pytest.MonkeyPatch, step: migrations.Step) -> None:
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, step))
    monkeypatch.setattr(migrations, "LATEST", migrations.LATEST + 1)


async def test_a_fresh_store_has_the_latest_schema_and_no_backup(path: Path) -> None:
    async with Database(path) as store:
        assert await store.read(migrations.version) == migrations.LATEST

    assert [file.name for file in path.parent.iterdir()] == ["tmws.db"]


async def test_a_migration_keeps_every_row_and_leaves_a_copy(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Database(path) as store:
        await store.write(namespaces.ensure, "notes", 1.0)
    release_next(monkeypatch, add_colour)

    async with Database(path) as store:
        assert await store.read(namespaces.names) == ("notes",)
        assert await store.read(_columns) == ("id", "name", "created_at", "colour")

    [copy] = path.parent.glob("*.backup")
    assert copy.stat().st_mode & 0o777 == 0o600
    old = sqlite3.connect(copy)
    assert old.execute("SELECT name FROM namespace").fetchall() == [("notes",)]
    assert old.execute("PRAGMA user_version").fetchone() == (migrations.LATEST - 1,)
    old.close()


async def test_a_failing_migration_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Database(path):
        pass
    with monkeypatch.context() as patch:
        release_next(patch, add_colour_and_fail)
        with pytest.raises(StoreError, match="half way"):
            async with Database(path):
                pass

    async with Database(path) as store:
        assert "colour" not in await store.read(_columns)


async def test_a_migration_that_cannot_be_backed_up_is_not_made(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Database(path):
        pass
    release_next(monkeypatch, add_colour)
    _take_the_names_of_backups(path, monkeypatch)

    with pytest.raises(StoreError, match="stays as it is"):
        async with Database(path):
            pass


def _take_the_names_of_backups(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = path.parent / "taken"
    taken.touch()
    monkeypatch.setattr(Path, "with_name", lambda *_: taken)


async def test_many_may_open_a_new_store_at_once(path: Path) -> None:
    actors: list[str] = []

    async def open_one() -> None:
        async with Database(path) as store:
            actors.append(await store.read(actor.identity))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(open_one)

    assert len(set(actors)) == 1


def _columns(db: Connection) -> tuple[str, ...]:
    return tuple(row[1] for row in db.rows("PRAGMA table_info(namespace)"))


def test_the_steps_are_applied_in_the_order_of_their_numbers() -> None:
    names = [step.__module__.rpartition(".")[2] for step in migrations.STEPS]

    assert [int(name[1:5]) for name in names] == list(range(1, len(names) + 1))
