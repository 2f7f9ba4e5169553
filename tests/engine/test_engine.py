"""The engine from Python: dicts in, replies out, nothing lost, nothing wrapped."""

import json
import threading

import anyio
import anyio.lowlevel
import pytest

from tmws_mcp.engine import Engine, indexing, open_engine
from tmws_mcp.errors import InvalidInput, NotADatabase, NotFound, PatternNotFound
from tmws_mcp.settings import Settings
from tmws_mcp.store import forward
from tmws_mcp.store.database import Database

pytestmark = pytest.mark.anyio


async def test_what_was_stored_is_recalled_by_key_and_by_paraphrase(engine: Engine) -> None:
    stored = await engine.store_memory(
        {"content": "TKT-00123: the staging database password rotates every month"}
    )
    await engine.store_memory({"content": "Lunch is at noon"})

    by_key = await engine.recall_memory({"query": "TKT-00123"})
    by_meaning = await engine.recall_memory({"query": "how often do credentials change"})

    assert by_key.memories[0].id == by_meaning.memories[0].id == stored.id
    assert by_key.tier == "hybrid"


async def test_a_store_survives_its_engine(settings: Settings) -> None:
    async with open_engine(settings) as engine:
        stored = await engine.store_memory({"content": "kept"})
    async with open_engine(settings) as engine:
        assert (await engine.memory(stored.id)).content == "kept"


async def test_the_dicts_of_earlier_callers_are_taken(engine: Engine) -> None:
    seen = await engine.observe_interaction(
        {"task": "process_data", "execution_time": 1.5, "success": True, "tool_used": "run_job"}
    )
    advice = await engine.get_recommendations({"task": "process_data"})

    assert seen.observed == 1
    assert advice.recommendations[0].action == "run_job"
    assert advice.recommendations[0].evidence.support == 1


async def test_without_evidence_nothing_is_recommended(engine: Engine) -> None:
    advice = await engine.get_recommendations({"task": "never seen"})

    assert advice.recommendations == ()
    assert advice.abstained


async def test_unknown_fields_are_refused_by_name(engine: Engine) -> None:
    with pytest.raises(InvalidInput, match=r"Unknown argument limt\. Did you mean limit"):
        await engine.recall_memory({"query": "ports", "limt": 3})


async def test_errors_within_the_block_are_not_wrapped(settings: Settings) -> None:
    with pytest.raises(ZeroDivisionError):
        await _fail_within(settings)


async def _fail_within(settings: Settings) -> None:
    async with open_engine(settings) as engine:
        await engine.store_memory({"content": "kept"})
        raise ZeroDivisionError


async def test_a_store_that_cannot_be_opened_is_said_at_each_call_and_then_works(
    settings: Settings,
) -> None:
    settings.db.parent.mkdir()
    settings.db.write_text("not a database")
    async with open_engine(settings) as engine:
        for _ in range(2):
            with pytest.raises(NotADatabase):
                await engine.store_memory({"content": "kept"})
        status = await engine.status()
        settings.db.unlink()
        stored = await engine.store_memory({"content": "kept"})

    assert not status.ok
    assert "TMWS_DB" in status.problems[0]
    assert stored.created


async def test_without_an_embedder_words_answer_and_it_is_said(settings: Settings) -> None:
    lexical = settings.model_copy(update={"embedder": "none"})
    async with open_engine(lexical) as engine:
        await engine.store_memory({"content": "the port is 8931"})
        reply = await engine.recall_memory({"query": "port"})
        status = await engine.status()

    assert reply.tier == status.tier == "lexical"
    assert len(reply.memories) == 1


async def test_the_persona_of_the_settings_is_noted(settings: Settings) -> None:
    async with open_engine(settings.model_copy(update={"persona": "Artemis"})) as engine:
        own = await engine.store_memory({"content": "mine"})
        other = await engine.store_memory({"content": "hers", "persona": "Athena"})

        assert (await engine.memory(own.id)).persona == "Artemis"
        assert (await engine.memory(other.id)).persona == "Athena"


async def test_secrets_in_memories_are_masked_on_request(settings: Settings) -> None:
    said = "deploy with API_KEY=9f8e7d6c5b4a"
    async with open_engine(settings.model_copy(update={"mask_secrets": True})) as engine:
        masked = await engine.store_memory({"content": said})
        assert (await engine.memory(masked.id)).content == "deploy with API_KEY=<secret>"
    async with open_engine(settings) as engine:
        kept = await engine.store_memory({"content": said})
        assert (await engine.memory(kept.id)).content == said


async def test_the_user_namespace_is_recalled_along(engine: Engine) -> None:
    await engine.store_memory({"content": "I prefer tabs over spaces", "namespace": "user"})

    reply = await engine.recall_memory({"query": "tabs or spaces"})

    assert reply.memories[0].namespace == "user"
    assert (reply.scope.namespace, reply.scope.also) == ("here", ("user",))


async def test_forgetting_and_undo(engine: Engine) -> None:
    stored = await engine.store_memory({"content": "a secret plan"})
    await engine.forget_memory({"ids": [stored.id]})
    gone = await engine.recall_memory({"query": "secret plan"})
    await engine.forget_memory({"undo": [stored.id]})
    back = await engine.recall_memory({"query": "secret plan"})

    assert gone.memories == ()
    assert [memory.id for memory in back.memories] == [stored.id]


async def test_status_and_statistics(engine: Engine) -> None:
    await engine.store_memory({"content": "one"})
    status, statistics = await engine.status(), await engine.statistics()

    assert status.ok, status.problems
    assert status.vectors
    assert status.namespaces == 1
    assert statistics.store_bytes > 0
    assert json.dumps(statistics.model_dump(mode="json"))


async def test_completions(engine: Engine) -> None:
    stored = await engine.store_memory({"content": "one", "tags": ["alpha"], "persona": "Athena"})

    assert await engine.complete("memory", stored.id[:4]) == (stored.id,)
    assert await engine.complete("tag", "al") == ("alpha",)
    assert await engine.complete("persona", "Ath") == ("Athena",)
    assert "memory.recall" in await engine.complete("pattern", "memory.")
    assert await engine.complete("weather", "") == ()


async def test_what_does_not_exist_is_said(engine: Engine) -> None:
    with pytest.raises(NotFound):
        await engine.memory("mnothing")
    with pytest.raises(NotFound):
        await engine.learned_pattern("nothing")
    with pytest.raises(PatternNotFound, match="Closest"):
        await engine.pattern("memory.recal")


async def test_an_index_of_older_rules_is_made_anew(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_engine(settings) as engine:
        await engine.store_memory({"content": "The staging port is 8931"})
    monkeypatch.setattr(indexing, "VERSION", 1_000)

    async with open_engine(settings) as engine:
        await engine.tidy()
        found = await engine.recall_memory({"query": "staging port"})

    assert [memory.content for memory in found.memories] == ["The staging port is 8931"]
    async with Database(settings.db) as store:
        assert await store.read(forward.rules) == 1_000


async def test_who_gives_up_while_the_store_opens_leaves_no_thread_behind(
    settings: Settings,
) -> None:
    def threads() -> list[str]:
        return [one.name for one in threading.enumerate() if "connection_worker" in one.name]

    async with open_engine(settings) as engine, anyio.create_task_group() as tasks:
        tasks.start_soon(engine.statistics)
        with anyio.fail_after(10):
            while not threads():
                await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()

    with anyio.fail_after(10):  # they end after their last word
        while threads():
            await anyio.sleep(0.01)
