"""What got worse, or better, than it used to be is noticed, said, and its past weighs less."""

from random import Random
from statistics import median

import pytest

from tests.learning.desk import NOW, SCOPE, advised, observed
from tmws_mcp.learning import drift, learned, text
from tmws_mcp.model import LearnedFilter
from tmws_mcp.store import evidence
from tmws_mcp.store.drift import Watched
from tmws_mcp.store.driver import Connection

USUAL = 60


def noticed(draw: Random, before: float, after: float, steps: int) -> int | None:
    """Return how many observations after the fall the alarm is raised; negative: before it."""
    state = Watched(0, 0)
    for number in range(USUAL + steps):
        share = before if number < USUAL else after
        state = drift.after(state, ok=draw.random() < share)
        if drift.is_alarming(state):
            return number + 1 - USUAL
    return None


@pytest.mark.parametrize(
    ("before", "after", "observations"),
    [(0.95, 0.3, 13), (0.9, 0.6, 35), (1.0, 0.0, 8), (0.3, 0.95, 22), (0.0, 1.0, 8)],
)
def test_a_change_is_noticed_soon(before: float, after: float, observations: int) -> None:
    draw = Random(7)
    found = [noticed(draw, before, after, 300) for _ in range(200)]

    assert sum(one is None for one in found) <= 6
    assert sum(one is not None and one <= 0 for one in found) <= 8
    assert median(one for one in found if one is not None) <= observations


@pytest.mark.parametrize(
    ("share", "alarms_max"),
    [(1.0, 0), (0.95, 1), (0.9, 2), (0.7, 20), (0.3, 20), (0.05, 5), (0.0, 0)],
)
def test_what_stays_as_it_was_hardly_ever_alarms(share: float, alarms_max: int) -> None:
    draw = Random(7)
    alarms = sum(noticed(draw, share, share, 940) is not None for _ in range(100))

    assert alarms <= alarms_max  # in 100,000 observations


def broken(db: Connection, *, good: int = 30, bad: int = 12) -> None:
    for number in range(good + bad):
        observed(
            db, now=NOW + 60 * number, task="Ship it", tool_used="deploy", success=number < good
        )


def test_an_alarm_opens_an_epoch_at_the_moment_of_the_change(db: Connection) -> None:
    broken(db)

    tally = evidence.tally(db, 1, "task_tool", learned_one(db).definition["task_key"], "deploy")

    assert (tally.before_n, tally.before_ok, tally.epoch) == (30, 30, 1)
    assert (tally.fresh_n, tally.fresh_ok) == (12, 0)
    assert db.rows("SELECT n, ok, gen FROM outcome WHERE kind = 'task_tool'") == [(42, 30, 1)]


def learned_one(db: Connection) -> learned.LearnedPattern:
    [one] = learned.learned_patterns(db, SCOPE, LearnedFilter())
    return one


def test_the_past_weighs_as_much_as_a_few_runs(db: Connection) -> None:
    broken(db)

    one = learned_one(db)

    assert one.version == 2
    assert one.success_rate is not None
    assert one.success_rate < 0.4
    assert (one.evidence.support, one.evidence.successes, one.evidence.before) == (12, 0, 1.0)
    assert "worked in 0 of 12 runs since it got worse" in one.summary
    assert "before: 30 of 30" in one.summary


def test_a_recommendation_says_that_its_tool_got_worse(db: Connection) -> None:
    broken(db)

    reply = advised(db, now=NOW + 5000, task="Ship it", want="next")

    best = reply.recommendations[0]
    assert "since it got worse" in best.why
    assert best.success_rate is not None
    assert best.success_rate < 0.4
    assert best.evidence.changed_at is not None
    assert best.why in text.recommend_text(reply)
    assert reply.tokens <= 120


def mended(db: Connection, *, bad: int = 30, good: int = 12) -> None:
    for number in range(bad + good):
        observed(
            db, now=NOW + 60 * number, task="Ship it", tool_used="deploy", success=number >= bad,
            error="" if number >= bad else "no such file: 'x'",
        )  # fmt: skip


def test_what_was_mended_is_not_held_against_it_any_more(db: Connection) -> None:
    mended(db)

    best = advised(db, now=NOW + 5000, task="Ship it", want="next").recommendations[0]

    assert best.why.count("worked in 12 of 12 runs since it got better") == 1
    assert "before: 0 of 30" in best.why
    assert best.success_rate is not None
    assert best.success_rate > 0.6
    assert best.evidence.changed_at is not None
    assert drift.regressions(db, SCOPE, NOW + 5000) == ()


def test_a_repair_keeps_its_counts_when_it_works_more_often(db: Connection) -> None:
    for number in range(60):
        observed(db, session_id=f"s{number}", tool_used="run", success=False, error="denied: x")
        observed(db, session_id=f"s{number}", tool_used="fix", success=number >= 40)

    [(n, epoch)] = db.rows(
        "SELECT n, gen FROM outcome WHERE kind = 'repair' AND key = '*' AND action = 'fix'"
    )
    assert (n, epoch) == (60, 0)


def run(db: Connection, number: int, outcome: str) -> None:
    name, at = f"run-{number}", NOW + number
    for tool in ("build", "ship"):
        observed(db, now=at, session_id=name, task="Ship it", tool_used=tool)
    observed(db, now=at, session_id=name, outcome=outcome)


def test_a_workflow_that_got_worse_says_so_and_is_less_sure(db: Connection) -> None:
    for number in range(30):
        run(db, number, "success")
    good = advised(db, now=NOW + 500, task="Ship it", want="workflow").recommendations[0]
    for number in range(30, 60):
        run(db, number, "failure" if number % 5 else "success")

    best = advised(db, now=NOW + 5000, task="Ship it", want="workflow").recommendations[0]

    assert best.action == ("build", "ship") == good.action
    assert "since it got worse" in best.why
    assert "before: 30 of 30" in best.why or "before: 31 of" in best.why
    assert best.confidence < good.confidence / 2
    assert best.success_rate is not None
    assert best.success_rate < 0.5


def test_the_change_is_told_with_the_pattern_that_it_is_about(db: Connection) -> None:
    broken(db)

    told = drift.falls(db, 1, NOW, 10)

    assert {found.pattern for found, _ in told} == {learned_one(db).pattern_id, None}
    assert all("before: 30 of 30" in said for _, said in told)
    assert drift.falls(db, 1, NOW + 10**6, 10) == ()


def test_observations_in_one_call_are_watched_in_their_order(db: Connection) -> None:
    steps = [{"tool_used": "deploy", "success": number < 30} for number in range(42)]
    observed(db, task="Ship it", interactions=steps)

    assert learned_one(db).version == 2


def test_failures_before_anything_was_usual_are_no_change(db: Connection) -> None:
    broken(db, good=4, bad=6)

    assert learned_one(db).version == 1


def test_suspicion_is_given_up_when_it_was_chance(db: Connection) -> None:
    broken(db, good=30, bad=2)
    assert db.rows("SELECT count(*) FROM outcome WHERE suspicion > 0") == [(2,)]
    for number in range(40):
        observed(db, now=NOW + 9000 + number, task="Ship it", tool_used="deploy")

    assert db.rows("SELECT count(*) FROM outcome WHERE suspicion > 0") == [(0,)]
    assert learned_one(db).version == 1
