"""The benchmark of saved tokens counts what it says, and hides no loss."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mcp import Client

from benchmarks.tokens import world
from benchmarks.tokens.__main__ import TASKS_MIN, Saving, savings, summary
from benchmarks.tokens.plain import plain_server
from benchmarks.tokens.tasks import RESOURCE, Done, Exchange, Task, do, read_tasks
from tmws_mcp import open_engine
from tmws_mcp.patterns.catalog import load_catalog, shipped_folder
from tmws_mcp.patterns.matcher import Matcher
from tmws_mcp.server.app import build_server
from tmws_mcp.settings import Settings

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 5, 13, 12, tzinfo=UTC)
TASKS = read_tasks(NOW)


def done(ours: str, theirs: str, *facts: str) -> Done:
    task = Task("what is it", [("search", {"text": "it"})], facts)
    return Done(task, Exchange("a", ours), [Exchange("b", theirs)], "memory.recall")


def test_there_are_tasks_for_all_routes_and_for_each_pattern_few() -> None:
    matcher = Matcher(load_catalog([shipped_folder()]))
    patterns = Counter(matcher.match(task.query).pattern for task in TASKS)

    assert len(TASKS) >= TASKS_MIN
    assert None not in patterns
    assert max(patterns.values()) <= 3
    assert {str(name).split(".")[0] for name in patterns} == {"infrastructure", "memory", "hybrid"}


async def test_all_calls_are_of_tools_that_there_are(tmp_path: Path) -> None:
    settings = Settings.load({"TMWS_HOME": str(tmp_path)}, cwd=tmp_path)
    async with (
        Client(build_server(settings)) as ours,
        Client(plain_server(tmp_path)) as plain,
    ):
        tools = [*(await ours.list_tools()).tools, *(await plain.list_tools()).tools]

    known = {tool.name for tool in tools} - {"pattern_execute"} | {RESOURCE}
    assert {name for task in TASKS for name, _ in task.calls} <= known


def test_a_reply_that_lacks_a_fact_costs_the_calls_as_well() -> None:
    whole = done("the fact", "the fact", "fact")
    lacking = done("nothing", "the fact", "fact")

    costs = savings([whole, lacking], len, 0, 0)

    assert lacking.lacking == ("fact",)
    assert costs[0].ours == len("a\nthe fact")
    assert costs[1].ours == len("a\nnothing") + len("b\nthe fact")
    assert costs[1].share < 0


def test_the_lists_of_tools_count_on_both_sides() -> None:
    (cost,) = savings([done("x", "y")], len, 100, 50)

    assert (cost.ours, cost.theirs) == (103, 53)


def test_the_summary_shows_losses_and_the_whole() -> None:
    each = done("x", "y")
    told = summary([Saving(each, ours, 100) for ours in (40, 50, 60, 150)])

    assert told["median"] == pytest.approx(0.45)
    assert (told["least"], told["most"], told["losses"]) == (-0.5, 0.6, 1)
    assert told["of_all_tokens"] == 0.25


async def test_a_task_is_done_in_both_ways_on_one_project(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    now = datetime.now(tz=UTC)
    world.make_project(project, now)
    environ = {"TMWS_HOME": str(tmp_path / "home"), "TMWS_WORKSPACE": str(project)}
    settings = Settings.load(environ, cwd=tmp_path)
    async with open_engine(settings) as engine:
        await engine.store_memory({"content": "Conventions of settings.py: no secrets in it"})
    task = Task("what do we know about settings.py", [("search", {"text": "TRACKER_TOKEN"})], [])
    async with (
        Client(build_server(settings)) as ours,
        Client(plain_server(project)) as plain,
    ):
        both = await do(task, ours, ours, plain)

    assert both.pattern == "hybrid.code_and_notes"
    assert "no secrets in it" in both.ours.result
    assert "harbor/settings.py:7:TRACKER_TOKEN" in both.theirs[0].result
    assert '"name":"search"' in both.theirs[0].call
