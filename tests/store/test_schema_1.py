"""A store of schema 1, filled by its own rules, becomes one of today and loses nothing."""

import sqlite3
from pathlib import Path

import pytest

from tests.memory.notebook import Notebook
from tmws_mcp import Settings, open_engine
from tmws_mcp.embedding.embedder import Embedder, load_embedder
from tmws_mcp.memory.search import index
from tmws_mcp.store import driver
from tmws_mcp.store.database import Database
from tmws_mcp.store.schema import s0001_first

pytestmark = pytest.mark.anyio

FACTS = ["The staging port is 8931", "We meet on Friday in Lisbon", "TKT-00123 broke the importer"]


@pytest.fixture
def embedder() -> Embedder:
    return load_embedder("static")


def filled(path: Path) -> None:
    """Make a store as version 0.1.0 left it: rows, a full-text table, vectors of its embedder."""
    path.touch(0o600)
    db = driver.connect(path)
    driver.load_vectors(db)
    driver.for_writing(db, "normal")
    db.rows("BEGIN")
    s0001_first.apply(db)
    db.rows("PRAGMA user_version = 1")
    db.rows("INSERT INTO namespace VALUES (1, 'home', 1.0)")
    db.rows("INSERT INTO thread VALUES (1, 1, 'talk', 2)")
    db.rows("CREATE VIRTUAL TABLE memory_words_1 USING fts5(own, content='', contentless_delete=1)")
    db.rows("INSERT INTO lexical_index VALUES (1, 1)")
    for number, fact in enumerate(FACTS, 1):
        db.rows(
            "INSERT INTO memory VALUES (?, ?, 1, ?, ?, 'semantic', 0.5, NULL, NULL, NULL, NULL, "
            "NULL, 1.0, ?, NULL, 'static-256', 0, ?, ?, ?)",
            (
                number,
                f"m{number}",
                1 if number < 3 else None,
                number - 1 if number < 3 else None,
                1.7e9 if number == 2 else None,  # forgotten
                len(fact),
                bytes([number]) * 16,
                fact,
            ),
        )
        db.rows("INSERT INTO memory_words_1(rowid, own) VALUES (?, ?)", (number, fact))
    db.rows("COMMIT")
    db.close()


async def test_everything_is_found_again_after_the_first_round(tmp_path: Path) -> None:
    filled(tmp_path / "tmws.db")
    settings = Settings.load({"TMWS_HOME": str(tmp_path), "TMWS_NAMESPACE": "home"})

    async with open_engine(settings) as engine:
        first = await engine.recall_memory({"ids": ["m1", "m3"]})
        await engine.tidy()
        by_key = await engine.recall_memory({"query": "TKT-00123"})
        by_meaning = await engine.recall_memory({"query": "which port has the staging server"})
        again = await engine.forget_memory({"undo": ["m2"]})
        back = await engine.recall_memory({"query": "Friday in Lisbon"})

    assert [memory.content for memory in first.memories] == [FACTS[0], FACTS[2]]
    assert [memory.id for memory in by_key.memories] == ["m3"]
    assert by_meaning.memories[0].id == "m1"
    assert again.restored == ()  # its time to be brought back is over
    assert back.memories == ()
    [copy] = tmp_path.glob("*.backup")
    assert sqlite3.connect(copy).execute("SELECT count(*) FROM memory").fetchone() == (3,)


async def test_until_all_is_indexed_recall_says_so_and_finds_what_is_stored_meanwhile(
    tmp_path: Path, embedder: Embedder
) -> None:
    filled(tmp_path / "tmws.db")

    async with Database(tmp_path / "tmws.db") as store:
        notes = Notebook(store, embedder)
        await notes.remember("The production port is 9000")
        reply = await notes.recall("port")
        await store.write(index.fill, 100)
        later = await notes.recall("port")

    assert "still being indexed" in (reply.note or "")
    assert [memory.content for memory in reply.memories] == ["The production port is 9000"]
    assert "still being indexed" not in (later.note or "")
    assert {memory.id for memory in later.memories} > {"m1"}


async def test_the_full_text_tables_are_gone_with_their_bytes(tmp_path: Path) -> None:
    filled(tmp_path / "tmws.db")

    async with Database(tmp_path / "tmws.db") as store:
        names = await store.read(
            lambda db: [row[0] for row in db.rows("SELECT name FROM sqlite_schema")]
        )

    assert not [name for name in names if name.startswith(("memory_words", "lexical"))]
