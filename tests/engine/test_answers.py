"""Answers that are given again, and those that must not be."""

import threading
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.clock import Clock
from tmws_mcp.engine import Engine, matching
from tmws_mcp.patterns.semantic.stage import Stage
from tmws_mcp.settings import Settings

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000.0
ASKED = {"query": "what did we decide about the staging port"}


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
async def engine(settings: Settings, clock: Clock) -> AsyncIterator[Engine]:
    async with anyio.create_task_group() as tasks:
        engine = Engine(settings, tasks, clock=clock)
        for number in range(12):
            await engine.store_memory(
                {"content": f"room {number} has a port for the lamp of staging"}
            )
        yield engine
        tasks.cancel_scope.cancel()
    await engine.close()


async def test_an_answer_stands_after_a_write_that_does_not_concern_it(engine: Engine) -> None:
    first = await engine.pattern_execute(ASKED)
    await engine.store_memory({"content": "The bonsai wants light"})
    second = await engine.pattern_execute(ASKED)
    decided = {"content": "we decide that the staging port is 8931", "tags": ["decision"]}
    await engine.store_memory(decided)
    third = await engine.pattern_execute(ASKED)

    assert (first.cached, second.cached, third.cached) == (False, "process", False)
    assert second.result == first.result
    assert "8931" in str(third.result)


async def test_what_a_caller_does_to_an_answer_no_other_caller_sees(engine: Engine) -> None:
    await engine.pattern_execute(ASKED)
    mine = await engine.pattern_execute(ASKED)
    assert isinstance(mine.result, dict)
    mine.result.clear()

    yours = await engine.pattern_execute(ASKED)

    assert yours.cached == "process"
    assert "staging" in str(yours.result)


async def test_an_answer_is_not_given_after_a_memory_in_it_has_expired(
    engine: Engine, clock: Clock
) -> None:
    until = "2027-01-15T08:00:20Z"  # 20 s after NOW
    await engine.store_memory(
        {
            "content": "we decide that the staging port is 99 today",
            "tags": ["decision"],
            "expires_at": until,
        }
    )
    first = await engine.pattern_execute(ASKED)
    clock.now += 21
    second = await engine.pattern_execute(ASKED)

    assert "99 today" in str(first.result)
    assert "99 today" not in str(second.result)
    assert second.cached is False


async def test_another_day_reads_yesterday_otherwise(engine: Engine, clock: Clock) -> None:
    asked = {"query": "what did we decide yesterday about the staging port"}
    await engine.pattern_execute(asked)
    same_day = await engine.pattern_execute(asked)
    clock.now += 86_400
    next_day = await engine.pattern_execute(asked)

    assert (same_day.cached, next_day.cached) == ("process", False)


async def test_an_answer_falls_where_the_log_no_longer_tells_what_changed(engine: Engine) -> None:
    """Others write so much that the log forgets a quiet namespace, as its trigger makes it."""
    await engine.pattern_execute(ASKED)
    decided = {"content": "we decide that the staging port is 8931", "tags": ["decision"]}
    await engine.store_memory(decided)
    for number in range(4):
        await engine.store_memory({"content": f"busy {number}", "namespace": "elsewhere"})
    store = await engine._store()
    await store.write(
        lambda db: db.rows(
            "DELETE FROM memory_change WHERE n <= (SELECT max(n) FROM memory_change) - 4"
        )
    )

    reply = await engine.pattern_execute(ASKED)

    assert "8931" in str(reply.result)


async def test_an_answer_in_a_quiet_namespace_stands_while_others_write(engine: Engine) -> None:
    first = await engine.pattern_execute(ASKED)
    for number in range(4):
        await engine.store_memory({"content": f"busy {number}", "namespace": "elsewhere"})
    second = await engine.pattern_execute(ASKED)

    assert (first.cached, second.cached) == (False, "process")


async def test_an_answer_falls_when_a_memory_leaves_the_time_that_was_asked_for(
    engine: Engine, clock: Clock
) -> None:
    asked = {"query": "what happened in the last 30 minutes"}
    clock.now += 3_600
    await engine.store_memory({"content": "the crane was repaired"})
    clock.now += 20 * 60
    first = await engine.pattern_execute(asked)
    clock.now += 5 * 60
    second = await engine.pattern_execute(asked)
    clock.now += 6 * 60
    third = await engine.pattern_execute(asked)

    assert ["crane" in str(reply.result) for reply in (first, second, third)] == [1, 1, 0]
    assert (second.cached, third.cached) == ("process", False)


async def test_what_recommends_is_made_anew_after_an_observation(
    settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "mine" / "memory"
    folder.mkdir(parents=True)
    (folder / "advice.yaml").write_text(
        "id: memory.advice\nroute: memory\nsummary: Advice\ncache_seconds: 60\n"
        "triggers: {exact: [advise me]}\nexamples: {match: [advise me]}\n"
        "steps: [{name: advice, recommend: {task: deploy}}]\n"
    )
    given = settings.model_copy(
        update={"pattern_dirs": (tmp_path / "mine",), "observe_executions": False}
    )
    async with anyio.create_task_group() as tasks:
        engine = Engine(given, tasks)
        await engine.observe_interaction({"task": "deploy", "tool_used": "make", "success": True})
        await engine.pattern_execute({"query": "advise me"})
        before = await engine.pattern_execute({"query": "advise me"})
        await engine.observe_interaction({"task": "deploy", "tool_used": "ship", "success": True})
        after = await engine.pattern_execute({"query": "advise me"})
        tasks.cancel_scope.cancel()
    await engine.close()

    assert (before.cached, after.cached) == ("process", False)


async def test_an_answer_by_words_alone_is_not_kept_where_meaning_should_count(
    settings: Settings,
) -> None:
    away = settings.model_copy(update={"embedder": "http://127.0.0.1:9/v1"})
    async with anyio.create_task_group() as tasks:
        engine = Engine(away, tasks)
        decided = {"content": "we decide that the staging port is 8931", "tags": ["decision"]}
        await engine.store_memory(decided)
        first = await engine.pattern_execute(ASKED)
        second = await engine.pattern_execute(ASKED)
        tasks.cancel_scope.cancel()
    await engine.close()

    assert "8931" in str(first.result)
    assert second.cached is False


async def test_an_answer_by_words_alone_is_kept_where_that_was_chosen(settings: Settings) -> None:
    chosen = settings.model_copy(update={"embedder": "none"})
    async with anyio.create_task_group() as tasks:
        engine = Engine(chosen, tasks)
        decided = {"content": "we decide that the staging port is 8931", "tags": ["decision"]}
        await engine.store_memory(decided)
        found = [await engine.pattern_execute(ASKED) for _ in range(2)]
        tasks.cancel_scope.cancel()
    await engine.close()

    assert [reply.cached for reply in found] == [False, "process"]
    assert "8931" in str(found[1].result)


async def test_an_answer_from_before_the_examples_are_learned_is_not_kept(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(matching, "WAIT_SECONDS_MAX", 0.0)
    matcher = (await engine._books()).matcher
    matcher._stage = Stage(matcher._patterns, lambda _: go_on.wait(60) and None, None)

    early = [await engine.pattern_execute(ASKED) for _ in range(2)]
    go_on.set()
    assert await anyio.to_thread.run_sync(matcher.learned, 60)
    later = [await engine.pattern_execute(ASKED) for _ in range(2)]

    assert [reply.cached for reply in early] == [False, False]
    assert [reply.cached for reply in later] == [False, "process"]
