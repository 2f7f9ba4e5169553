"""Executions are observed soon after their answer, and lost by no orderly end."""

from pathlib import Path

import anyio
import pytest

from tmws_mcp.engine import open_engine
from tmws_mcp.engine.executed import WAITING_MAX
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database

pytestmark = pytest.mark.anyio

COUNTED = "SELECT sum(n) FROM outcome WHERE kind = 'pattern'"


async def counted(path: Path) -> int:
    async with Database(path) as store:
        [(count,)] = await store.read(lambda db: db.rows(COUNTED))
    return int(count or 0)


async def test_an_engine_that_is_closed_has_written_all(settings: Settings) -> None:
    async with open_engine(settings) as engine:
        await engine.store_memory({"content": "the namespace is there"})
        for number in range(20):
            await engine.pattern_execute({"query": f"what is {number} * 7"})

    assert await counted(settings.db) == 20


async def test_it_is_written_without_anybody_asking(settings: Settings) -> None:
    async with open_engine(settings) as engine:
        await engine.store_memory({"content": "the namespace is there"})
        await engine.pattern_execute({"query": "what is 6 * 7"})
        with anyio.fail_after(10):
            while not await counted(settings.db):
                await anyio.sleep(0.01)


async def test_who_looks_at_what_was_learned_sees_the_latest(settings: Settings) -> None:
    async with open_engine(settings) as engine:
        await engine.store_memory({"content": "the namespace is there"})
        await engine.pattern_execute({"query": "what is 6 * 7"})
        told = await engine._learning.executions("infrastructure.calculate")

    assert told is not None
    assert "1 of 1" in told


async def test_only_so_many_wait(settings: Settings) -> None:
    """No other task runs meanwhile: the bound alone has them written."""
    async with open_engine(settings) as engine:
        await engine.store_memory({"content": "the namespace is there"})
        await engine.pattern_execute({"query": "what is 6 * 7"})
        queue = engine._executed
        await queue.written()
        execution, scope = await _one(engine)
        for _ in range(WAITING_MAX - 1):
            queue._waiting.append((execution, scope, 1.0))
        await queue.put(execution, scope)

        assert queue._waiting == []


async def _one(engine):
    """Return an execution as the engine itself records it."""
    kept = []
    put = engine._executed.put

    async def noting(execution, scope):
        kept.append((execution, scope))
        await put(execution, scope)

    engine._executed.put = noting
    await engine.pattern_execute({"query": "what is 6 * 8"})
    del engine._executed.put
    await engine._executed.written()
    return kept[0]


async def test_a_store_that_refuses_fails_no_answer(settings: Settings) -> None:
    async with open_engine(settings) as engine:
        await engine.store_memory({"content": "the namespace is there"})
        store = await engine._store()
        await store.write(lambda db: db.rows("PRAGMA user_version = 9999"))
        reply = await engine.pattern_execute({"query": "what is 6 * 7"})
        await engine._executed.written()

        assert "42" in str(reply.result)
