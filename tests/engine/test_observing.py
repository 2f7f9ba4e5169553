"""Executions of patterns are observed, can be kept from it, and never observe themselves."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tmws_mcp.engine import Engine, open_engine
from tmws_mcp.engine.observing import observed
from tmws_mcp.errors import NothingRan
from tmws_mcp.model import ExecuteReply, Scope, StepReport
from tmws_mcp.model.learned import Execution
from tmws_mcp.patterns.definition import Pattern, parse_pattern
from tmws_mcp.settings import Settings

pytestmark = pytest.mark.anyio

SCOPE = Scope(namespace="here", source="argument")
SUMS = """\
id: infrastructure.sums
route: infrastructure
summary: Sums
task: add two numbers
arguments: {sum: {}}
triggers: {exact: [add them]}
examples: {match: [add them]}
steps:
  - {name: now, action: clock.now}
  - {name: sum, action: calculate.value, with: {expression: "{sum}"}, needs: [now]}
"""


@pytest.fixture
def with_sums(settings: Settings, tmp_path: Path) -> Settings:
    folder = tmp_path / "mine" / "infrastructure"
    folder.mkdir(parents=True)
    (folder / "sums.yaml").write_text(SUMS)
    return settings.model_copy(update={"pattern_dirs": (tmp_path / "mine",)})


@pytest.fixture
async def engine(with_sums: Settings) -> AsyncIterator[Engine]:
    async with open_engine(with_sums) as opened:
        await opened.store_memory({"content": "the namespace is there"})
        yield opened


async def rows(engine: Engine, sql: str) -> list[tuple]:
    await engine._executed.written()
    return await (await engine._store()).read(lambda db: db.rows(sql))


EXECUTIONS = "SELECT action, n, ok FROM outcome WHERE kind = 'pattern'"


async def test_an_execution_is_counted_for_its_pattern(engine: Engine) -> None:
    await engine.pattern_execute({"query": "git status"})

    assert await rows(engine, EXECUTIONS) == [("infrastructure.workspace", 1, 1)]
    assert await rows(engine, "SELECT count(*) FROM step") == [(0,)]


async def test_a_pattern_with_a_task_is_observed_step_by_step(engine: Engine) -> None:
    await engine.pattern_execute({"query": "add them", "context": {"sum": "1+2"}})

    assert await rows(engine, "SELECT tool, method, ok FROM step ORDER BY id") == [
        ("clock.now", None, 1), ("calculate.value", None, 1), ("", "infrastructure.sums", 1),
    ]  # fmt: skip
    assert await rows(engine, "SELECT outcome FROM session") == [("success",)]
    advice = await engine.get_recommendations({"task": "add two numbers"})
    assert advice.recommendations[0].action == ("clock.now", "calculate.value")


async def test_a_failure_is_observed_as_one(engine: Engine) -> None:
    await engine.pattern_execute({"query": "add them", "context": {"sum": "1/0"}})

    assert await rows(engine, EXECUTIONS) == [("infrastructure.sums", 1, 0)]
    assert await rows(engine, "SELECT outcome FROM session") == [("failure",)]


async def test_a_dry_run_a_recall_and_a_kept_answer_are_no_executions(engine: Engine) -> None:
    await engine.pattern_execute({"query": "add them", "dry_run": True})
    await engine.pattern_execute({"query": "is there a namespace"})

    assert await rows(engine, EXECUTIONS) == []


async def test_observing_executions_can_be_switched_off(with_sums: Settings) -> None:
    off = with_sums.model_copy(update={"observe_executions": False})
    async with open_engine(off) as engine:
        await engine.store_memory({"content": "the namespace is there"})
        await engine.pattern_execute({"query": "add them", "context": {"sum": "1"}})

        assert await rows(engine, "SELECT count(*) FROM outcome") == [(0,)]


async def test_an_execution_makes_no_namespace(with_sums: Settings) -> None:
    async with open_engine(with_sums) as engine:
        await engine.pattern_execute({"query": "git status", "namespace": "nowhere"})

        assert await rows(engine, "SELECT name FROM namespace") == []


def pattern() -> Pattern:
    steps = [{"name": "a", "call": "x"}, {"name": "b", "action": "clock.now", "needs": ["a"]}]
    definition = {"id": "infrastructure.x", "route": "infrastructure", "summary": "x"}
    return parse_pattern({**definition, "steps": steps}, path="x")


def reply(*steps: StepReport) -> ExecuteReply:
    return ExecuteReply(
        pattern="infrastructure.x", route="infrastructure", confidence=1, matched_by="exact",
        result={}, steps=steps, tokens=0, tokens_saved=0, ms=0, scope=SCOPE,
    )  # fmt: skip


async def test_what_was_left_to_the_caller_is_not_judged() -> None:
    told: list[Execution] = []

    async def record(execution: Execution, _scope: Scope) -> None:
        told.append(execution)

    async def run() -> ExecuteReply:
        return reply(
            StepReport(name="a", ok=False, ms=0, error="not run: call it yourself", ran=False),
            StepReport(name="b", ok=True, ms=2),
        )

    await observed(pattern(), SCOPE, run, record)

    assert told[0].ok is None
    assert [step.tool for step in told[0].steps] == ["clock.now"]


async def test_an_execution_within_an_execution_is_not_observed() -> None:
    told: list[Execution] = []

    async def record(execution: Execution, _scope: Scope) -> None:
        told.append(execution)

    async def inner() -> ExecuteReply:
        return reply(StepReport(name="b", ok=True, ms=1))

    async def outer() -> ExecuteReply:
        return await observed(pattern(), SCOPE, inner, record)

    await observed(pattern(), SCOPE, outer, record)

    assert len(told) == 1


async def test_where_nothing_ran_the_failure_is_observed_and_still_raised() -> None:
    told: list[Execution] = []

    async def record(execution: Execution, _scope: Scope) -> None:
        told.append(execution)

    async def run() -> ExecuteReply:
        raise NothingRan("no step")

    with pytest.raises(NothingRan):
        await observed(pattern(), SCOPE, run, record)

    assert [one.ok for one in told] == [False]


async def test_answers_are_kept_although_their_executions_are_counted(
    with_sums: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "mine" / "memory"
    folder.mkdir(parents=True)
    (folder / "ports.yaml").write_text(
        "id: memory.ports\nroute: memory\nsummary: Known ports\ncache_seconds: 60\n"
        "triggers: {exact: [which ports]}\nsteps: [{name: found, recall: 'port'}]\n"
    )
    async with open_engine(with_sums) as engine:
        await engine.store_memory({"content": "the port is 8931"})
        replies = [await engine.pattern_execute({"query": "which ports"}) for _ in range(3)]

        assert [reply.cached for reply in replies] == [False, "process", "process"]
        assert await rows(engine, EXECUTIONS) == [("memory.ports", 1, 1)]
