"""A/B of two: the probability that one is better, and how much faster it is."""

from random import Random

import pytest

from tests.learning.desk import NOW, SCOPE, observed
from tmws_mcp.errors import InvalidInput, NotFound
from tmws_mcp.learning import history, learned, moved, two_shares
from tmws_mcp.learning.comparing import compare
from tmws_mcp.model import LearnedFilter
from tmws_mcp.store.driver import Connection

DAY = history.DAY_SECONDS


@pytest.mark.parametrize(
    "counts", [(26, 30, 12, 20), (0, 1, 1, 1), (3, 3, 0, 0), (180, 200, 150, 200), (1, 9, 8, 9)]
)
def test_the_probability_is_that_of_draws_from_both_posteriors(
    counts: tuple[int, int, int, int],
) -> None:
    ok, n, other_ok, other_n = counts
    draw = Random(3)
    won = sum(
        draw.betavariate(ok + 1, n - ok + 1)
        > draw.betavariate(other_ok + 1, other_n - other_ok + 1)
        for _ in range(20_000)
    )

    assert two_shares.probability_better(*counts) == pytest.approx(won / 20_000, abs=0.012)


def test_exchanging_the_sides_exchanges_the_odds() -> None:
    there, back = (
        two_shares.probability_better(7, 9, 3, 8),
        two_shares.probability_better(3, 8, 7, 9),
    )

    assert there + back == pytest.approx(1.0)


def test_the_approximation_meets_the_exact_sum_where_it_takes_over() -> None:
    n = two_shares.EXACT_RUNS_MAX
    exact = two_shares.probability_better(1_830, n, 1_800, n)
    beyond = two_shares.probability_better(1_831, n + 1, 1_801, n + 1)

    assert beyond == pytest.approx(exact, abs=0.005)
    assert two_shares.probability_better(10**9, 10**9, 0, 10**9) == 1.0


def test_runs_are_compared_pair_by_pair() -> None:
    assert two_shares.share_faster({0: 3}, {1: 1}) == 1.0
    assert two_shares.share_faster({0: 1}, {0: 1}) == 0.5
    assert two_shares.share_faster({}, {0: 1}) is None


def methods(db: Connection) -> None:
    for name, fails_each, seconds in (("fast", 30, 1.0), ("slow", 2, 4.0)):
        for number in range(30):
            observed(
                db, now=NOW + number, task="resize", method=name, success=number % fails_each > 0,
                execution_time=seconds,
            )  # fmt: skip


def test_two_methods_are_compared_in_words(db: Connection) -> None:
    methods(db)

    found = compare(db, "fast", "slow", SCOPE, task="Resize")

    assert found.better > 0.99
    assert found.times == pytest.approx(4.0, rel=0.1)
    assert found.verdict.startswith("fast worked in 29 of 30 (97 %), slow worked in 15 of 30")
    assert "fast works more often (probability over 99.9 %)" in found.verdict
    assert "fast is 4.0 times faster, and in 100 % of all pairs" in found.verdict
    assert compare(db, "slow", "fast", SCOPE).better < 0.01


def test_an_open_question_is_called_open(db: Connection) -> None:
    observed(db, tool_used="a")
    observed(db, tool_used="b", success=False)

    found = compare(db, "a", "b", SCOPE)

    assert found.faster is None
    assert "which works more often is open (a with probability 83.3 %" in found.verdict


def test_learned_patterns_are_compared_by_their_ids(db: Connection) -> None:
    observed(db, task="t", tool_used="a")
    observed(db, task="t", tool_used="b")
    one, other = (p.pattern_id for p in learned.learned_patterns(db, SCOPE, LearnedFilter()))

    found = compare(db, one, other, SCOPE)

    assert (found.one.support, found.other.support, found.better) == (1, 1, 0.5)
    assert found.one.what.startswith('tool_usage: for tasks like "t" use ')


def test_what_was_never_observed_cannot_be_compared(db: Connection) -> None:
    observed(db, tool_used="a")

    with pytest.raises(NotFound, match="method, a tool"):
        compare(db, "a", "b", SCOPE)


def test_what_was_learned_between_two_days_is_told(db: Connection) -> None:
    observed(db, now=NOW, task="Build", tool_used="make")
    observed(db, now=NOW + DAY, task="Build", tool_used="make", success=False)
    observed(db, now=NOW + DAY, task="Test", tool_used="pytest")

    told = {
        move.summary: move for move in moved.moved(db, SCOPE, since="", until="", now=NOW + DAY)
    }

    build, test = told['for tasks like "Build" use make'], told['for tasks like "Test" use pytest']
    assert (build.is_new, build.runs, build.share_before, build.share_after) == (False, 1, 1.0, 0.5)
    assert (test.is_new, test.runs, test.share_before) == (True, 1, None)
    assert moved.moved(db, SCOPE, since="2026-09-22", until="2026-09-25", now=NOW) == ()


@pytest.mark.parametrize("days", [("yesterday", ""), ("2026-09-22", "2026-09-22")])
def test_days_that_make_no_span_are_refused(db: Connection, days: tuple[str, str]) -> None:
    with pytest.raises(InvalidInput, match="2026"):
        moved.moved(db, SCOPE, since=days[0], until=days[1], now=NOW)
