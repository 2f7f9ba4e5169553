"""An engine with a slow embedder: nothing waits for it that must not, and nothing is pretended."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.embedding.endpoint import Answer, Endpoint, serving
from tmws_mcp.embedding import openai
from tmws_mcp.engine import Engine, encoder, filling, open_engine
from tmws_mcp.settings import Settings
from tmws_mcp.store import driver

pytestmark = pytest.mark.anyio


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def prompt_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the waiting out of failures."""
    monkeypatch.setattr(openai, "BACK_OFF_SECONDS", 0.0)
    monkeypatch.setattr(filling, "RETRY_SECONDS_MAX", 0.02)
    monkeypatch.setattr(filling, "CHANGE_SECONDS", 0.0)
    monkeypatch.setattr(filling, "BEGIN_SECONDS", 0.0)
    monkeypatch.setattr(encoder, "AWAY_SECONDS", 0.0)


def with_embedder(settings: Settings, name: str) -> Settings:
    return settings.model_copy(update={"embedder": name})


@pytest.fixture
async def engine(settings: Settings, endpoint: Endpoint) -> AsyncIterator[Engine]:
    async with open_engine(with_embedder(settings, endpoint.name)) as opened:
        yield opened


async def until_vectors_are_there(engine: Engine) -> None:
    with anyio.fail_after(30):
        while (await engine.status()).vectors_missing:
            await anyio.sleep(0.005)


async def rows(path: Path, sql: str) -> list[Any]:
    db = driver.connect(path)  # the same library: a second one would break the first one's locks
    try:
        return db.rows(sql)
    finally:
        db.close()


async def test_what_is_stored_gets_its_vector_right_after_and_is_found_by_meaning(
    engine: Engine,
) -> None:
    stored = await engine.store_memory({"content": "TKT-7: the staging password rotates monthly"})
    await until_vectors_are_there(engine)

    found = await engine.recall_memory({"query": "how often do credentials change"})

    assert (found.tier, [memory.id for memory in found.memories]) == ("hybrid", [stored.id])
    assert found.note is None
    assert (await engine.status()).ok


async def test_the_store_is_not_locked_while_the_embedder_is_asked(
    engine: Engine, endpoint: Endpoint, settings: Settings
) -> None:
    await engine.store_memory({"content": "first"})
    await until_vectors_are_there(engine)
    taken: list[bool] = []

    def take_the_write_lock() -> None:
        db = driver.connect(settings.db)
        driver.for_writing(db, "normal")
        db.rows("BEGIN IMMEDIATE")
        db.rows("ROLLBACK")
        db.close()
        taken.append(True)

    endpoint.before_answer = take_the_write_lock
    await engine.store_memory({"content": "the deploy failed"})
    await until_vectors_are_there(engine)
    await engine.recall_memory({"query": "rollout"})
    await engine.forget_memory({"query": "the deploy failed"})

    assert len(taken) >= 3


async def test_one_query_is_asked_once(engine: Engine, endpoint: Endpoint) -> None:
    await engine.store_memory({"content": "the deploy failed"})
    await until_vectors_are_there(engine)

    for _ in range(3):
        await engine.recall_memory({"query": "which rollout broke"})

    assert endpoint.asked.count(["which rollout broke"]) == 1


async def test_near_duplicates_are_still_told(engine: Engine) -> None:
    first = await engine.store_memory({"content": "The deploy of the billing service failed"})
    second = await engine.store_memory({"content": "the deploy of the billing service failed!"})

    assert [similar.id for similar in second.similar_to] == [first.id]


async def test_forgetting_by_query_asks_the_embedder_too(engine: Engine) -> None:
    stored = await engine.store_memory({"content": "the staging password rotates monthly"})
    await engine.store_memory({"content": "lunch is at noon"})
    await until_vectors_are_there(engine)

    gone = await engine.forget_memory({"query": "credentials change how often", "confirm": True})

    assert gone.forgotten == (stored.id,)


async def test_an_embedder_that_is_away_leaves_words_and_is_made_up_for_when_it_is_back(
    engine: Engine, endpoint: Endpoint
) -> None:
    endpoint.always = Answer(hangs_up=True)
    stored = await engine.store_memory({"content": "the staging password rotates monthly"})

    by_words = await engine.recall_memory({"query": "staging password"})
    status = await engine.status()

    assert (by_words.tier, [memory.id for memory in by_words.memories]) == ("lexical", [stored.id])
    assert by_words.note is not None
    assert "words alone" in by_words.note
    assert not status.ok
    assert any("does not answer" in problem for problem in status.problems)

    endpoint.always = None
    with anyio.fail_after(30):
        while (await engine.recall_memory({"query": "credentials change"})).tier == "lexical":
            await anyio.sleep(0.01)
    await until_vectors_are_there(engine)
    assert (await engine.status()).ok


async def test_it_may_also_go_away_later(engine: Engine, endpoint: Endpoint) -> None:
    await engine.store_memory({"content": "the staging password rotates monthly"})
    await until_vectors_are_there(engine)
    endpoint.always = Answer(500)

    gone = await engine.recall_memory({"query": "staging credentials"})
    endpoint.always = None
    back = await engine.recall_memory({"query": "staging credentials"})

    assert (gone.tier, back.tier) == ("lexical", "hybrid")


async def test_a_slow_embedder_is_not_waited_for(
    engine: Engine, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.store_memory({"content": "the staging password rotates monthly"})
    await until_vectors_are_there(engine)
    monkeypatch.setattr(encoder, "QUERY_SECONDS_MAX", 0.05)
    endpoint.always = Answer(waits=True)

    with anyio.fail_after(15):
        found = await engine.recall_memory({"query": "staging password"})
        status = await engine.status()

    assert found.tier == "lexical"
    assert len(found.memories) == 1
    assert any("took more than 0.05 s" in problem for problem in status.problems)


async def test_after_a_failure_queries_leave_it_alone_for_a_while(
    engine: Engine, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.store_memory({"content": "the staging password rotates monthly"})
    await until_vectors_are_there(engine)
    monkeypatch.setattr(encoder, "AWAY_SECONDS", 1_000.0)
    endpoint.always = Answer(500)
    endpoint.asked.clear()

    for word in ("one", "two", "three"):
        assert (await engine.recall_memory({"query": word})).tier == "lexical"

    assert len(endpoint.asked) == openai.TRIES_MAX


async def test_until_the_new_vectors_are_made_the_old_ones_answer(
    settings: Settings, endpoint: Endpoint
) -> None:
    async with open_engine(settings) as before:
        stored = await before.store_memory({"content": "the staging password rotates monthly"})
    endpoint.always = Answer(500)

    async with open_engine(with_embedder(settings, endpoint.name)) as after:
        meanwhile = await after.recall_memory({"query": "how often do credentials change"})
        assert (meanwhile.tier, [m.id for m in meanwhile.memories]) == ("hybrid", [stored.id])

        endpoint.always = None
        await until_vectors_are_there(after)
        with anyio.fail_after(30):
            while len(await rows(settings.db, "SELECT id FROM vector_space")) > 1:
                await anyio.sleep(0.005)
        now = await after.recall_memory({"query": "how often do credentials change"})

    assert (now.tier, [m.id for m in now.memories]) == ("hybrid", [stored.id])
    assert ["how often do credentials change"] in endpoint.asked
    names = await rows(settings.db, "SELECT embedder, dimensions FROM vector_space")
    assert names == [(f"openai:{endpoint.name}", 64)]


async def test_going_back_to_the_built_in_one_begins_at_once(
    settings: Settings, endpoint: Endpoint
) -> None:
    async with open_engine(with_embedder(settings, endpoint.name)) as before:
        for i in range(60):
            await before.store_memory({"content": f"deploy {i} failed because of the disk"})
        await until_vectors_are_there(before)

    async with open_engine(settings) as after:
        await after.recall_memory({"query": "deploy"})
        await until_vectors_are_there(after)

    assert await rows(settings.db, "SELECT count(DISTINCT embedder) FROM memory") == [(1,)]


async def test_a_recall_says_how_many_vectors_are_still_to_come(
    settings: Settings, endpoint: Endpoint
) -> None:
    async with open_engine(with_embedder(settings, endpoint.name)) as before:
        for i in range(60):
            await before.store_memory({"content": f"deploy {i} failed because of the disk"})
        await until_vectors_are_there(before)
        endpoint.always = Answer(waits=True)
        for i in range(60):
            await before.store_memory({"content": f"rollback {i} worked"})
        with anyio.fail_after(30):
            while (await before.status()).vectors_missing < 60:
                await anyio.sleep(0.005)
        before._encoder.missing = 60

        told = before._encoder.note

    assert told == "60 memories have no vector yet; those are found by words alone."


async def test_a_kind_that_nobody_knows_leaves_words_and_says_so(settings: Settings) -> None:
    async with open_engine(with_embedder(settings, "minilm:small")) as engine:
        await engine.store_memory({"content": "the staging password"})
        found = await engine.recall_memory({"query": "staging"})
        status = await engine.status()

    assert (found.tier, len(found.memories)) == ("lexical", 1)
    assert any("There is no embedder 'minilm:small'" in problem for problem in status.problems)
