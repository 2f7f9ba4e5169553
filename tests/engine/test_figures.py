"""Executions are counted, and the counts of all processes add up in the store."""

from pathlib import Path

import anyio
import pytest

from tmws_mcp.engine import Engine, open_engine
from tmws_mcp.errors import NothingRan
from tmws_mcp.model import StoreRequest
from tmws_mcp.model.figures import PatternFigures
from tmws_mcp.settings import Settings
from tmws_mcp.store import figures as table
from tmws_mcp.store.driver import Connection

pytestmark = pytest.mark.anyio

ASKED = {"query": "recall the staging port"}


async def _figures(engine: Engine, pattern: str = "memory.recall") -> PatternFigures:
    insight = (await engine.statistics()).insight
    [one] = [one for one in insight.patterns if one.pattern == pattern]
    return one


async def test_executions_are_counted_by_pattern_and_route(engine: Engine) -> None:
    await engine.store_memory({"content": "we decide that the staging port is 8931"})
    for _ in range(3):
        await engine.pattern_execute(ASKED)

    one = await _figures(engine)

    assert (one.route, one.runs, one.kept, one.kept_by) == ("memory", 3, 2, {"process": 2})
    assert (one.recalled, one.found, one.again, one.failed) == (3, 3, 2, 0)
    assert one.p50_ms is not None
    assert one.tokens_mean > 0


async def test_the_figures_of_several_engines_add_up_and_outlive_them(settings: Settings) -> None:
    async with open_engine(settings) as one, open_engine(settings) as other:
        await one.store_memory({"content": "we decide that the staging port is 8931"})
        await one.pattern_execute(ASKED)
        await other.pattern_execute(ASKED)

    async with open_engine(settings) as third:
        await third.pattern_execute(ASKED)
        figures = await _figures(third)

    assert (figures.runs, figures.kept) == (3, 0)


async def test_a_failing_pattern_is_counted_as_failing(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "infrastructure"
    folder.mkdir(parents=True)
    (folder / "broken.yaml").write_text(
        "id: infrastructure.broken\nroute: infrastructure\nsummary: Fails\n"
        "triggers: {exact: [fail now]}\nexamples: {match: [fail now]}\n"
        "steps: [{name: sum, action: calculate.value, with: {expression: '1/0'}}]\n"
    )
    async with open_engine(
        settings.model_copy(update={"pattern_dirs": (tmp_path / "mine",)})
    ) as engine:
        with pytest.raises(NothingRan):
            await engine.pattern_execute({"query": "fail now"})
        one = await _figures(engine, "infrastructure.broken")

    assert (one.runs, one.failed) == (1, 1)


async def test_an_observation_that_names_a_pattern_judges_it(engine: Engine) -> None:
    await engine.pattern_execute({"query": "health"})
    for success in (True, True, False):
        await engine.observe_interaction(
            {"task": "look", "tool_used": "pattern_execute", "method": "infrastructure.health",
             "success": success}
        )  # fmt: skip

    one = await _figures(engine, "infrastructure.health")

    assert (one.judged, one.good) == (3, 2)


async def test_the_router_is_told_what_the_routes_have_cost(settings: Settings) -> None:
    async with open_engine(settings) as engine:
        await engine.store_memories(
            [StoreRequest(content="we decide that the staging port is 8931")]
        )
        for number in range(4):
            await engine.pattern_execute({"query": f"{ASKED['query']} {number}"})
        before = engine._store.figures.costs("memory.recall")
        await engine._store.figures.write_down(await engine._store())
        found = engine._store.figures.costs("memory.recall")

    assert before == {}
    assert (found["memory"].runs, found["memory"].useful) == (4, 1.0)
    assert found["memory"].tokens > 0
    assert found["memory"].milliseconds > 0


async def test_asking_again_at_once_counts_against_the_use(settings: Settings) -> None:
    async with open_engine(settings) as engine:
        await engine.store_memory({"content": "we decide that the staging port is 8931"})
        for _ in range(4):
            await engine.pattern_execute(ASKED)
        await engine._store.figures.write_down(await engine._store())
        found = engine._store.figures.costs("memory.recall")

    assert found["memory"].useful == 0.25


async def test_days_and_names_are_bounded(engine: Engine) -> None:
    store = await engine._store()

    def fill(db: Connection) -> None:
        many = {("pattern", f"p{number}"): {"runs": 1} for number in range(table.NAMES_MAX + 5)}
        table.add(db, 100, many)
        table.add(db, 100 + table.DAYS_KEPT - 1, {("pattern", "p0"): {"runs": 1}})

    await store.write(fill)
    held = await store.read(table.between, 0, 10**6)
    await store.write(table.add, 100 + table.DAYS_KEPT, {("pattern", "p1"): {"runs": 2}})
    left = await store.read(table.between, 0, 10**6)

    assert len(held) == table.NAMES_MAX
    assert held["pattern", "p0"] == {"runs": 2}
    assert left == {("pattern", "p0"): {"runs": 1}, ("pattern", "p1"): {"runs": 2}}


async def test_alerts_stand_in_the_status(settings: Settings) -> None:
    strict = settings.model_copy(
        update={"alert_p95_warning_ms": 0.0001, "alert_p95_critical_ms": 0.0002}
    )
    async with open_engine(strict) as engine:
        for number in range(25):
            await engine.pattern_execute({"query": f"calculate {number} + 1"})
        status = await engine.status()
        insight = (await engine.statistics()).insight
        reading = (await engine._store()).use.reading

    assert any("critical: infrastructure.calculate" in alert for alert in status.alerts)
    assert status.ok
    assert {one.name for one in insight.caches} >= {"matches", "routes"}
    assert insight.connections is not None
    assert reading > 0


async def test_figures_that_cannot_be_written_fail_nothing(settings: Settings) -> None:
    with anyio.fail_after(30):
        async with open_engine(settings) as engine:
            await engine.pattern_execute({"query": "health"})
            store = await engine._store()
            await store.write(lambda db: db.rows("DROP TABLE figure"))
            await engine._store.figures.write_down(store)
            reply = await engine.pattern_execute({"query": "health"})

    assert reply.pattern == "infrastructure.health"
