"""Execution, with parts that answer from real values: the engine's own are tested with it."""

from collections.abc import AsyncIterator, Callable

import anyio
import pytest
from pydantic import JsonValue

from tmws_mcp.actions.action import Action, Workspace
from tmws_mcp.errors import ActionError, NothingRan, PatternNotFound
from tmws_mcp.model import (
    Decision,
    ExecuteReply,
    ExecuteRequest,
    JsonObject,
    Match,
    Memory,
    RecallReply,
    RecallRequest,
    RecommendReply,
    RecommendRequest,
    Scope,
    StoreReply,
    StoreRequest,
)
from tmws_mcp.patterns.definition import Pattern, parse_pattern
from tmws_mcp.patterns.execute import Parts, as_cached, execute, is_whole
from tmws_mcp.patterns.text import execute_text
from tmws_mcp.tokens import estimate_tokens

pytestmark = pytest.mark.anyio

SCOPE = Scope(namespace="here", source="argument")


class World:
    """Memories to recall, actions to call, and what was asked of them."""

    def __init__(self) -> None:
        self.memories: list[Memory] = []
        self.recalled: list[RecallRequest] = []
        self.stored: list[StoreRequest] = []
        self.recommended: list[RecommendRequest] = []
        self.actions: dict[str, Action] = {}

    def remember(self, count: int, *tags: str) -> None:
        for number in range(count):
            self.memories.append(
                Memory(
                    id=f"m{number}",
                    content=f"fact {number}",
                    created_at="2026-05-08T00:00:00Z",
                    kind="semantic",
                    namespace="here",
                    tags=tags,
                )
            )

    def act(self, name: str) -> Callable[[Callable[[JsonObject], object]], None]:
        def add(run: Callable[[JsonObject], object]) -> None:
            async def action(arguments: JsonObject, _where: Workspace) -> JsonValue:
                return await run(arguments)

            self.actions[name] = Action(name, name, action)

        return add

    async def recall(self, request: RecallRequest) -> RecallReply:
        self.recalled.append(request)
        found = [m for m in self.memories if set(request.tags) <= set(m.tags)][: request.limit]
        return RecallReply(memories=found, tokens=0, omitted=0, tier="hybrid", scope=SCOPE)

    async def store(self, request: StoreRequest) -> StoreReply:
        self.stored.append(request)
        return StoreReply(id="new", created=True, scope=SCOPE)

    async def recommend(self, request: RecommendRequest) -> RecommendReply:
        self.recommended.append(request)
        return RecommendReply(abstained="no evidence", scope=SCOPE)

    @property
    def parts(self) -> Parts:
        return Parts(self.recall, self.store, self.recommend, self.actions)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(autouse=True)
async def nothing_hangs() -> AsyncIterator[None]:
    with anyio.fail_after(10):
        yield


def pattern(*steps: JsonObject, route: str = "memory", **more: object) -> Pattern:
    definition = {"id": f"{route}.x", "route": route, "summary": "x", "steps": list(steps)}
    return parse_pattern(definition | more, path="x")


async def run(
    world: World,
    pattern: Pattern | None,
    query: str = "the query",
    *,
    route: str | None = None,
    found: dict[str, str] | None = None,
    runs: bool = True,
    **request: object,
) -> ExecuteReply:
    name = pattern.id if pattern else None
    match = Match(
        name, "regex" if name else "none", 0.9, found or {}, () if name else ("memory.y",)
    )
    taken = route or (pattern.route if pattern else "memory")
    decision = Decision(taken, 0.8, "because", runs=runs)
    asked = ExecuteRequest.model_validate({"query": query} | request)
    return await execute(pattern, match, decision, asked, SCOPE, world.parts)


async def test_steps_run_side_by_side(world: World) -> None:
    """Each waits for the other one to have begun."""
    begun = {"a": anyio.Event(), "b": anyio.Event()}

    @world.act("wait.for")
    async def _(arguments: JsonObject) -> JsonValue:
        begun[str(arguments["me"])].set()
        await begun[str(arguments["other"])].wait()
        return "met"

    reply = await run(
        world,
        pattern(
            {"name": "a", "action": "wait.for", "with": {"me": "a", "other": "b"}},
            {"name": "b", "action": "wait.for", "with": {"me": "b", "other": "a"}},
            route="infrastructure",
        ),
    )

    assert reply.result == {"a": "met", "b": "met"}


async def test_a_step_starts_after_those_that_it_needs(world: World) -> None:
    order = []

    @world.act("note.it")
    async def _(arguments: JsonObject) -> JsonValue:
        await anyio.sleep(0 if arguments["me"] == "second" else 0.01)
        order.append(arguments["me"])
        return "done"

    await run(
        world,
        pattern(
            {"name": "first", "action": "note.it", "with": {"me": "first"}},
            {"name": "second", "action": "note.it", "with": {"me": "second"}, "needs": ["first"]},
            route="infrastructure",
        ),
    )

    assert order == ["first", "second"]


async def test_a_failure_is_kept_to_its_step_and_said(world: World) -> None:
    @world.act("git.state")
    async def _(_arguments: JsonObject) -> JsonValue:
        raise ActionError("git is not installed.")

    world.remember(1)
    reply = await run(
        world,
        pattern(
            {"name": "now", "action": "git.state"},
            {"name": "found", "recall": "{query}"},
            {"name": "after", "recommend": {"task": "{query}"}, "needs": ["now"]},
            route="hybrid",
        ),
    )

    assert [(s.name, s.ok, s.error) for s in reply.steps] == [
        ("now", False, "git is not installed."),
        ("found", True, None),
        ("after", False, "not run: it needs now, which failed"),
    ]
    assert "now failed: git is not installed." in execute_text(reply)
    assert "fact 0" in execute_text(reply)
    assert not is_whole(reply)


async def test_a_crash_shows_its_kind_and_nothing_of_its_text(world: World) -> None:
    @world.act("break.it")
    async def _(_arguments: JsonObject) -> JsonValue:
        raise KeyError("/secret/path")

    world.remember(1)
    reply = await run(
        world,
        pattern({"name": "a", "action": "break.it"}, {"name": "b", "recall": "x"}, route="hybrid"),
    )

    assert reply.steps[0].error == "failed unexpectedly (KeyError); the server's log has more"
    assert "secret" not in execute_text(reply)


async def test_a_step_over_the_time_budget_is_given_up_and_said(world: World) -> None:
    cancelled = anyio.Event()

    @world.act("sleep.on")
    async def _(_arguments: JsonObject) -> JsonValue:
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()

    world.remember(1)
    reply = await run(
        world,
        pattern(
            {"name": "slow", "action": "sleep.on"},
            {"name": "found", "recall": "x"},
            route="hybrid",
            budget={"milliseconds": 50},
        ),
    )

    assert reply.steps[0].error == "took longer than the 50 ms of the pattern's budget"
    assert reply.steps[1].ok
    assert cancelled.is_set()


async def test_cancelling_the_call_cancels_its_steps(world: World) -> None:
    begun, cancelled = anyio.Event(), anyio.Event()

    @world.act("sleep.on")
    async def _(_arguments: JsonObject) -> JsonValue:
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()

    slow = pattern({"name": "slow", "action": "sleep.on"}, route="infrastructure")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, world, slow)
        await begun.wait()
        tasks.cancel_scope.cancel()

    assert cancelled.is_set()


async def test_what_is_being_stored_is_not_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = world.store

    async def slowly(request: StoreRequest) -> StoreReply:
        await anyio.sleep(0.1)
        return await stored(request)

    monkeypatch.setattr(world, "store", slowly)
    reply = await run(
        world, pattern({"name": "kept", "store": "{query}"}, budget={"milliseconds": 10})
    )

    assert reply.steps[0].ok
    assert world.stored[0].content == "the query"


async def test_nothing_ran_names_the_reason_of_each_step(world: World) -> None:
    with pytest.raises(NothingRan, match=r"now: There is no action 'no\.such'; known are"):
        await run(world, pattern({"name": "now", "action": "no.such"}, route="infrastructure"))


async def test_a_missing_argument_says_where_to_give_it(world: World) -> None:
    with pytest.raises(NothingRan, match=r"'text' is not known; give it in `context`"):
        await run(
            world,
            pattern({"name": "a", "store": "{text}"}, triggers={"regex": ["note (?P<text>.+)"]}),
        )


async def test_context_wins_over_the_query_and_the_query_over_defaults(world: World) -> None:
    asked = pattern(
        {"name": "a", "recall": "{one} {two} {three}", "tags": ["{three}"]},
        arguments={
            "one": {"default": "d1"},
            "two": {"default": "d2"},
            "three": {"default": "{query}"},
        },
    )
    await run(world, asked, "q", found={"one": "r1", "two": "r2"}, context={"one": 7})

    assert world.recalled[0].query == "7 r2 q"
    assert world.recalled[0].tags == ("q",)


async def test_braces_in_a_query_reach_nothing(world: World) -> None:
    await run(
        world,
        pattern({"name": "a", "recall": "{query}"}),
        "{secret} {query.__class__}",
        context={"secret": "x"},
    )

    assert world.recalled[0].query == "{secret} {query.__class__}"


async def test_the_context_cannot_replace_the_query(world: World) -> None:
    await run(world, pattern({"name": "a", "recall": "{query}"}), "q", context={"query": "other"})

    assert world.recalled[0].query == "q"


FALLBACK = (
    {"name": "decided", "recall": "{query}", "tags": ["decision"]},
    {"name": "related", "recall": "{query}", "if_empty": "decided"},
)


async def test_a_second_attempt_is_made_where_the_first_found_nothing(world: World) -> None:
    world.remember(2)

    reply = await run(world, pattern(*FALLBACK))

    assert [step.name for step in reply.steps] == ["decided", "related"]
    assert len(reply.result["related"]["memories"]) == 2


async def test_no_second_attempt_is_made_where_the_first_found_something(world: World) -> None:
    world.remember(2, "decision")

    reply = await run(world, pattern(*FALLBACK))

    assert [step.name for step in reply.steps] == ["decided"]
    assert list(reply.result) == ["decided"]


async def test_a_condition_chooses_between_steps(world: World) -> None:
    asked = pattern(
        {"name": "one", "store": "{text}", "unless": "tag"},
        {"name": "two", "store": "{text}", "tags": ["{tag}"], "when": "tag"},
        arguments={"text": {}, "tag": {}},
    )

    plain = await run(world, asked, context={"text": "x"})
    tagged = await run(world, asked, context={"text": "x", "tag": "t"})

    assert [step.name for step in plain.steps] == ["one"]
    assert [step.name for step in tagged.steps] == ["two"]
    assert world.stored[1].tags == ("t",)


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
    assert execute_text(reply).startswith("no pattern route memory")


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
    assert reply.tokens_saved > 1_000
    assert "items left out: call again with a higher token_budget" in execute_text(reply)
    assert world.recalled[0].token_budget == budget


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
    reply = await run(world, pattern({"name": "a", "recall": "x"}))

    again = as_cached(reply, "process", 0.2)

    assert again.cached == "process"
    assert again.result == reply.result
    assert "cached (process)" in execute_text(again)
    assert again.tokens == estimate_tokens(execute_text(again))
