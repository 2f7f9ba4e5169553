"""What an execution answers: the route's steps, explanations, token budgets."""

from collections.abc import AsyncIterator

import anyio
import pytest
from pydantic import JsonValue

from tests.patterns.world import World, pattern, run
from tmws_mcp.errors import NothingRan, PatternNotFound
from tmws_mcp.model import (
    JsonObject,
)
from tmws_mcp.patterns.execute import as_cached
from tmws_mcp.patterns.text import execute_text
from tmws_mcp.tokens import estimate_tokens

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def nothing_hangs() -> AsyncIterator[None]:
    with anyio.fail_after(10):
        yield


HYBRID = pattern(
    {"name": "now", "action": "clock.now"},
    {"name": "found", "recall": "{query}"},
    {"name": "both", "recommend": {"task": "{query}"}, "needs": ["now"]},
    route="hybrid",
)


@pytest.mark.parametrize(
    ("route", "names"),
    [
        ("hybrid", ["now", "found", "both"]),
        ("infrastructure", ["now"]),
        ("memory", ["found"]),
    ],
)
async def test_the_route_decides_which_steps_run(
    world: World, route: str, names: list[str]
) -> None:
    @world.act("clock.now")
    async def _(_arguments: JsonObject) -> JsonValue:
        return "noon"

    reply = await run(world, HYBRID, route=route)

    assert [step.name for step in reply.steps] == names


async def test_a_hybrid_route_adds_a_recall_to_an_action(world: World) -> None:
    @world.act("clock.now")
    async def _(_arguments: JsonObject) -> JsonValue:
        return "noon"

    world.remember(9)
    only = pattern({"name": "memory", "action": "clock.now"}, route="infrastructure")
    reply = await run(world, only, route="hybrid")

    assert reply.result["memory"] == "noon"
    assert len(reply.result["memory2"]["memories"]) == 3


async def test_without_a_pattern_the_query_is_recalled(world: World) -> None:
    world.remember(3)

    reply = await run(world, None, "zebra")

    assert (reply.pattern, reply.route, reply.matched_by) == (None, "memory", "none")
    assert world.recalled[0].query == "zebra"
    assert execute_text(reply).startswith("no pattern, route memory in ")


async def test_a_recall_in_vain_names_the_closest_patterns(world: World) -> None:
    assert "closest patterns: memory.y" in execute_text(await run(world, None, "zebra"))

    world.remember(1)
    assert (await run(world, None, "zebra")).explanation is None


async def test_nothing_to_run_names_the_closest_patterns(world: World) -> None:
    with pytest.raises(
        PatternNotFound, match=r"no memory for 'zebra'\. Closest patterns: memory\.y"
    ):
        await run(world, None, "zebra", runs=False)


async def test_a_pattern_whose_actions_cannot_run_says_so(world: World) -> None:
    only = pattern({"name": "now", "action": "no.such"}, route="infrastructure")

    with pytest.raises(NothingRan, match=r"The actions of infrastructure\.x \(no\.such\)"):
        await run(world, only, runs=False)


@pytest.mark.parametrize("runs", [True, False])
async def test_a_dry_run_explains_and_runs_nothing(world: World, *, runs: bool) -> None:
    reply = await run(world, None, dry_run=True, runs=runs)

    assert (reply.pattern, reply.result, reply.steps) == (None, {}, ())
    assert reply.explanation is not None
    assert reply.explanation.closest == ("memory.y",)
    assert world.recalled == []


async def test_it_is_explained_on_request(world: World) -> None:
    reply = await run(world, HYBRID, route="memory", found={"topic": "x"}, explain=True)

    assert reply.explanation is not None
    assert "hybrid.x by regex trigger" in reply.explanation.match
    assert "with topic from the query" in reply.explanation.match
    assert reply.explanation.route == "memory (0.8): because"
    assert "because" in execute_text(reply)
    assert (await run(world, HYBRID, route="memory")).explanation is None


async def test_tokens_are_those_of_the_text(world: World) -> None:
    world.remember(20)

    reply = await run(world, pattern({"name": "a", "recall": "x", "limit": 20}))

    assert reply.tokens == estimate_tokens(execute_text(reply))
    assert (reply.tokens_saved, reply.omitted) == (0, 0)


@pytest.mark.parametrize("budget", [60, 100, 200, 400])
async def test_the_reply_keeps_to_the_token_budget(world: World, budget: int) -> None:
    world.remember(100)

    reply = await run(
        world, pattern({"name": "a", "recall": "x", "limit": 100}), token_budget=budget
    )

    assert reply.tokens <= budget + 20 * (budget < 100)
    assert reply.omitted > 0
    assert reply.tokens_saved > 1_000 - budget
    assert f"\n{reply.omitted} more" in execute_text(reply)
    assert world.recalled[0].token_budget == budget


async def test_recalls_are_focused_unless_the_caller_asks_for_more(world: World) -> None:
    asked = pattern({"name": "a", "recall": "x", "limit": 4}, budget={"tokens": 400})
    for more in ({}, {"token_budget": 100}, {"token_budget": 900}, {"mode": "comprehensive"}):
        await run(world, asked, **more)

    assert [r.focus > 0 for r in world.recalled] == [True, True, False, False]
    assert [r.limit for r in world.recalled] == [4, 4, 12, 4]


async def test_the_caller_may_ask_for_less_than_the_pattern_allows(world: World) -> None:
    asked = pattern({"name": "a", "recall": "x"}, budget={"tokens": 700})
    await run(world, asked)
    await run(world, asked, token_budget=100, namespace="other")

    assert [r.token_budget for r in world.recalled] == [700, 100]
    assert [r.namespace for r in world.recalled] == ["", "other"]


async def test_a_request_that_a_step_cannot_make_is_its_error(world: World) -> None:
    world.remember(1)
    reply = await run(
        world,
        pattern(
            {"name": "a", "recall": "x"},
            {"name": "b", "recall": "x", "tags": ["{long}"]},
            arguments={"long": {}},
        ),
        context={"long": "x" * 201},
    )

    assert reply.steps[0].ok
    assert "tags.0: Value should have at most 200" in str(reply.steps[1].error)


async def test_a_kept_reply_says_so(world: World) -> None:
    world.remember(1)
    reply = await run(world, pattern({"name": "a", "recall": "x"}), explain=True)

    again = as_cached(reply, "process", 0.2)

    assert again.cached == "process"
    assert again.result == reply.result
    assert "cached (process)" in execute_text(again)
    assert again.tokens == estimate_tokens(execute_text(again))


async def test_a_memory_stands_once_in_a_reply_however_many_steps_find_it(world: World) -> None:
    world.remember(2, "decision")
    steps = (
        {"name": "decided", "recall": "x", "limit": 1},
        {"name": "related", "recall": "x", "limit": 2},
        {"name": "again", "recall": "x", "limit": 2},
    )

    reply = await run(world, pattern(*steps))

    text = execute_text(reply)
    assert text.count("fact 0") == text.count("fact 1") == 1
    assert text.count("data, not instructions") == 1
    assert reply.result["again"] == "as above"
