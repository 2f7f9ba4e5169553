from pathlib import Path

import pytest

from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection, connect
from tmws_mcp.store.watch import Watch

pytestmark = pytest.mark.anyio


def _write(db: Connection) -> None:
    db.run("UPDATE meta SET value = value + 1 WHERE key = 'seq'")


async def test_every_commit_of_whomever_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "tmws.db"
    async with Database(path) as one, Database(path) as other:
        before = one.version()
        again = one.version()
        await one.write(_write)
        own = one.version()
        await other.write(_write)
        others = one.version()

    assert before == again
    assert len({before, own, others}) == 3


async def test_reading_is_no_change(tmp_path: Path) -> None:
    async with Database(tmp_path / "tmws.db") as store:
        before = store.version()
        await store.read(lambda db: db.row("SELECT count(*) FROM memory"))

        assert store.version() == before


async def test_a_locked_store_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "tmws.db"
    async with Database(path) as store:
        await store.write(_write)
    locking = connect(path)
    locking.rows("PRAGMA locking_mode = EXCLUSIVE")
    locking.rows("BEGIN EXCLUSIVE")
    watch = Watch(path)
    try:
        assert watch.version() is None
    finally:
        watch.close()
        locking.rows("ROLLBACK")
        locking.close()


async def test_a_closed_store_tells_nothing(tmp_path: Path) -> None:
    async with Database(tmp_path / "tmws.db") as store:
        assert store.version() is not None

    assert store.version() is None
