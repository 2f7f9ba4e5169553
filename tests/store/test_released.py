"""A store that a released version has filled comes through a migration whole.

tests/store/released/ holds such stores: versions and threads, near duplicates, something forgotten,
something that will expire, observations.
"""

import gzip
import sqlite3
from pathlib import Path

import pytest

from tmws_mcp.engine import open_engine
from tmws_mcp.errors import NewerSchema
from tmws_mcp.memory.search import index
from tmws_mcp.settings import Settings
from tmws_mcp.store import migrations, namespaces
from tmws_mcp.store.database import Database

pytestmark = pytest.mark.anyio

RELEASED = sorted((Path(__file__).parent / "released").glob("*.db.gz"))
OWN = ("memory", "memory_tag", "memory_similar", "thread", "namespace", "step", "outcome", "run")


@pytest.fixture(params=RELEASED, ids=lambda file: file.name.removesuffix(".db.gz"))
def released(request: pytest.FixtureRequest, path: Path) -> Path:
    path.parent.mkdir()
    path.write_bytes(gzip.decompress(request.param.read_bytes()))
    return path


def rows(path: Path, columns: dict[str, str]) -> dict[str, list[tuple]]:
    db = sqlite3.connect(path)
    found = {
        table: sorted(db.execute(f"SELECT {names} FROM {table}").fetchall(), key=repr)
        for table, names in columns.items()
    }
    db.close()
    return found


def columns_of(path: Path) -> dict[str, str]:
    db = sqlite3.connect(path)
    found = {
        table: ", ".join(
            row[1]
            for row in db.execute(f"PRAGMA table_info({table})")
            if row[1] != "embedder"  # whose vectors are to be made again may change
        )
        for table in OWN
    }
    db.close()
    return found


async def test_every_row_is_kept(released: Path) -> None:
    columns = columns_of(released)
    before = rows(released, columns)

    async with Database(released) as store:
        assert await store.read(migrations.version) == migrations.LATEST

    assert rows(released, columns) == before
    assert len(list(released.parent.glob("*.backup"))) == 1


async def test_the_migrated_store_answers_stores_and_exports(released: Path) -> None:
    environ = {"TMWS_HOME": str(released.parent), "TMWS_NAMESPACE": "home"}
    settings = Settings.load(environ, cwd=released.parent)
    lines: list[str] = []
    async with Database(released) as store:
        while await store.write(index.fill, 100):  # in the background, where a server runs
            pass

    async with open_engine(settings) as engine:
        [port, *_] = (await engine.recall_memory({"query": "staging port"})).memories
        turns = await engine.recall_memory({"query": "release of version 2.7", "limit": 1})
        later = await engine.store_memory({"content": "Staging has port 1.", "supersedes": port.id})
        whole = await engine.memory(later.id)
        exported = await engine.keeping.export(lines.append)

    assert (port.content, port.versions, port.trust) == ("The staging port is 9090.", 1, "agent")
    assert "version 2.7" in turns.memories[0].content
    assert whole.versions == 2
    assert exported == len(lines) - 1 == 19


async def test_a_process_of_the_older_version_reads_on_and_is_told_that_it_cannot_write(
    released: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = migrations.STEPS
    monkeypatch.setattr(migrations, "STEPS", steps[:1])
    monkeypatch.setattr(migrations, "LATEST", 1)
    async with Database(released) as older:
        await older.write(namespaces.ensure, "written by the older one", 1.0)
        monkeypatch.setattr(migrations, "STEPS", steps)
        monkeypatch.setattr(migrations, "LATEST", len(steps))
        async with Database(released) as newer:
            await newer.write(namespaces.ensure, "written by the newer one", 2.0)

            monkeypatch.setattr(migrations, "LATEST", 1)
            names = await older.read(namespaces.names)
            with pytest.raises(NewerSchema, match="Update tmws-mcp"):
                await older.write(namespaces.ensure, "too late", 3.0)
            monkeypatch.setattr(migrations, "LATEST", len(steps))

    assert {"written by the older one", "written by the newer one"} <= set(names)
