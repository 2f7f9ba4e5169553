import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmws_mcp.model import Route
from tmws_mcp.router.features import Cost, Features, features
from tmws_mcp.router.modes import MODES, RETRY_EVERY
from tmws_mcp.router.router import route

ROUTES: tuple[Route, ...] = ("infrastructure", "memory", "hybrid")
FEATURES = st.builds(
    Features,
    asks_remembered=st.booleans(),
    asks_present=st.booleans(),
    memories=st.integers(0, 100),
    actions_run=st.booleans(),
    stores=st.booleans(),
)


def chosen(written_for: Route | None, query: str, mode: str = "balanced", **state: object) -> str:
    return route(written_for, features(query, **({"memories": 9} | state)), mode).route


@pytest.mark.parametrize("written_for", ROUTES)
def test_balanced_follows_the_pattern(written_for: Route) -> None:
    assert chosen(written_for, "is the layout as we decided") == written_for
    assert chosen(written_for, "zebra", memories=0) == written_for


def test_fast_gives_up_the_memory_part_that_nobody_asked_for() -> None:
    assert chosen("hybrid", "show the branch", "fast") == "infrastructure"


def test_fast_keeps_the_memory_part_that_is_asked_for() -> None:
    assert chosen("hybrid", "is the layout as we decided", "fast") == "hybrid"


def test_fast_gives_up_the_memory_part_where_nothing_is_remembered() -> None:
    assert chosen("hybrid", "is it as we decided", "fast", memories=0) == "infrastructure"


def test_fast_keeps_a_memory_part_that_was_measured_to_be_useful() -> None:
    costs = {"hybrid": Cost(runs=20, tokens=300, milliseconds=40, useful=0.9)}

    assert chosen("hybrid", "show the branch", "fast", costs=costs) == "hybrid"


def test_comprehensive_looks_into_the_memory_beside_an_action() -> None:
    assert chosen("infrastructure", "git status", "comprehensive") == "hybrid"
    assert chosen("infrastructure", "git status", "comprehensive", memories=0) == "infrastructure"


@pytest.mark.parametrize("mode", MODES)
def test_what_is_to_be_stored_is_stored_in_every_mode(mode: str) -> None:
    assert chosen("memory", "remember that", mode, stores=True, memories=0) == "memory"
    assert chosen("hybrid", "note the branch", mode, stores=True, memories=0) == "hybrid"


def test_without_its_actions_a_hybrid_is_its_memory_part() -> None:
    assert chosen("hybrid", "is it as we decided", actions_run=False) == "memory"


def test_an_infrastructure_pattern_without_its_actions_has_nothing_to_run() -> None:
    decision = route("infrastructure", features("x", memories=9, actions_run=False), "balanced")

    assert not decision.runs


def test_without_a_pattern_memories_are_recalled() -> None:
    decision = route(None, features("zebra", memories=3), "balanced")

    assert (decision.route, decision.runs) == ("memory", True)


def test_without_a_pattern_asking_for_something_earlier_is_answered_even_if_empty() -> None:
    decision = route(None, features("what did we decide", memories=0), "balanced")

    assert decision.runs
    assert "nothing is yet" in decision.why


def test_without_a_pattern_and_without_memories_there_is_nothing_to_run() -> None:
    assert not route(None, features("zebra", memories=0), "balanced").runs


def test_the_decision_is_explained_with_its_alternatives() -> None:
    costs = {"infrastructure": Cost(runs=7, tokens=210, milliseconds=12, useful=0)}
    decision = route("hybrid", features("show the branch", memories=3, costs=costs), "fast")

    assert "fast: the query asks for nothing earlier" in decision.why
    assert "measured over 7 runs: 210 tokens, 12 ms" in decision.why
    assert {other.route for other in decision.alternatives} == {"memory", "hybrid"}
    assert all(other.score <= decision.confidence for other in decision.alternatives)


@given(st.sampled_from([*ROUTES, None]), FEATURES, st.sampled_from(sorted(MODES)))
def test_every_case_has_one_decision_that_the_pattern_has_steps_for(
    written_for: Route | None, seen: Features, mode: str
) -> None:
    decision = route(written_for, seen, mode)

    assert 0 <= decision.confidence <= 1
    assert decision.route not in {other.route for other in decision.alternatives}
    if written_for in ("memory", None):
        assert decision.route == "memory"
    if written_for == "infrastructure":
        assert decision.route != "memory"
    if written_for == "hybrid" and seen.stores:
        assert decision.route != "infrastructure"


def test_only_the_beginning_of_a_long_query_is_read() -> None:
    assert not features("x " * 600 + "remember", memories=1).asks_remembered


USELESS = {
    "hybrid": Cost(runs=30, tokens=500, milliseconds=60, useful=0.0),
    "infrastructure": Cost(runs=5, tokens=200, milliseconds=10, useful=0.0),
}


def test_balanced_gives_up_a_memory_part_that_never_helped_and_says_why() -> None:
    decision = route("hybrid", features("show the branch", memories=9, costs=USELESS), "balanced")

    assert decision.route == "infrastructure"
    assert "over 30 runs its memory part found something in 6%" in decision.why
    assert "worth 59 tokens, and cost 305" in decision.why


def test_balanced_keeps_a_memory_part_that_helps_more_than_it_costs() -> None:
    costs = USELESS | {"hybrid": Cost(runs=30, tokens=500, milliseconds=60, useful=0.5)}

    assert chosen("hybrid", "show the branch", costs=costs) == "hybrid"


def test_balanced_keeps_a_memory_part_that_the_query_asks_for() -> None:
    assert chosen("hybrid", "is the branch as we decided before", costs=USELESS) == "hybrid"


def test_a_few_bad_runs_decide_nothing() -> None:
    costs = {"hybrid": Cost(runs=4, tokens=5_000, milliseconds=60, useful=0.0)}

    assert chosen("hybrid", "show the branch", costs=costs) == "hybrid"


def test_a_memory_part_that_was_given_up_is_tried_again_now_and_then() -> None:
    taken = []
    for runs in range(5, 65):
        costs = USELESS | {"infrastructure": Cost(runs, tokens=200, milliseconds=10, useful=0.0)}
        taken.append(chosen("hybrid", "show the branch", costs=costs))

    assert taken.count("hybrid") == 60 // RETRY_EVERY


def test_a_query_that_leans_to_a_memory_pattern_is_worth_a_recall() -> None:
    decision = route(None, features("jot it down", memories=3, leans=("memory", 0.7)), "balanced")

    assert (decision.route, decision.confidence, decision.runs) == ("memory", 0.7, True)


def test_out_of_scope_is_said_and_not_trusted() -> None:
    decision = route(None, features("who painted it", memories=3), "balanced")

    assert "out of scope" in decision.why
    assert decision.confidence < 0.5
