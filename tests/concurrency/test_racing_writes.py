"""Writers that race each other: one fact stays one memory, and a thread has no gap."""

from pathlib import Path

import anyio
import pytest

from tests.memory.notebook import Notebook
from tmws_mcp.embedding.embedder import load_embedder
from tmws_mcp.store.database import Database

pytestmark = pytest.mark.anyio

FACTS = 15


async def write(path: Path, writer: int, ids: dict[str, set[str]]) -> None:
    """Open the store as another process would, and say the same as the other writers at once."""
    async with Database(path) as store:
        notes = Notebook(store, load_embedder("static"))
        for number in range(FACTS):
            fact = f"fact {number} is shared by all"
            stored = await notes.within(f"new{number % 3}").remember(fact)
            ids.setdefault(fact, set()).add(stored.id)
            await notes.remember(f"turn {number} of writer {writer}", thread="t")


async def test_racing_writers_store_a_fact_once_and_leave_no_gap_in_a_thread(
    tmp_path: Path,
) -> None:
    path, ids, writers = tmp_path / "tmws.db", dict[str, set[str]](), 3

    async with anyio.create_task_group() as group:
        for writer in range(writers):
            group.start_soon(write, path, writer, ids)

    assert [len(found) for found in ids.values()] == [1] * FACTS
    async with Database(path) as store:
        notes = Notebook(store, None)
        places = await notes.rows("SELECT thread_position FROM memory WHERE thread IS NOT NULL")
        assert sorted(row[0] for row in places) == list(range(writers * FACTS))
        counts = await notes.rows(
            "SELECT (SELECT count(*) FROM memory), (SELECT count(*) FROM memory_vectors_1)"
        )
        assert counts == [((writers + 1) * FACTS,) * 2]
        for number in range(3):
            assert len(await notes.within(f"new{number}").found(limit=200)) == FACTS / 3
