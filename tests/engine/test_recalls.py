"""What is recalled is counted, within a bound, and written down when there is time."""

from collections.abc import Mapping

import pytest

from tmws_mcp.engine import Engine, open_engine, recalls
from tmws_mcp.engine.recalls import Recalls
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database

pytestmark = pytest.mark.anyio


async def counts(settings: Settings) -> Mapping[str, int]:
    async with Database(settings.db) as store:
        rows = await store.read(
            lambda db: db.rows(
                "SELECT m.content, u.recalls FROM memory_use u JOIN memory m ON m.id = u.memory"
            )
        )
    return dict(rows)


async def test_each_recall_of_a_memory_is_counted_at_the_end(settings: Settings) -> None:
    async with open_engine(settings) as engine:
        await engine.store_memory({"content": "The port is 8931."})
        await engine.store_memory({"content": "The lights are green."})
        await engine.recall_memory({"query": "which port"})
        await engine.recall_memory({})

    assert await counts(settings) == {"The port is 8931.": 2, "The lights are green.": 1}


async def test_no_more_memories_are_counted_than_the_limit(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recalls, "COUNTED_MAX", 2)
    for i in range(4):
        await engine.store_memory({"content": f"fact {i}"})
    reply = await engine.recall_memory({})
    counted = Recalls()

    counted.note(reply, 1.0)
    counted.note(reply, 2.0)
    async with Database(settings.db) as store:
        await counted.write_down(store)

    assert sorted((await counts(settings)).values()) == [2, 2]


async def test_counts_that_cannot_be_written_do_no_harm(engine: Engine, settings: Settings) -> None:
    await engine.store_memory({"content": "The port is 8931."})
    counted = Recalls()
    counted.note(await engine.recall_memory({}), 1.0)

    await counted.write_down(Database(settings.db))  # never opened: each write fails
