"""Figures become alerts, trends and suggestions."""

from collections import Counter

import pytest

from tmws_mcp.engine.histogram import bucket, quantile
from tmws_mcp.engine.insight import (
    RUNS_MIN,
    Thresholds,
    alerts,
    cache_figures,
    pattern_figures,
    suggestions,
    trends,
)
from tmws_mcp.engine.slowness import USUAL_RUNS_MIN, Slower, Slowness
from tmws_mcp.model.figures import ConnectionFigures

LIMITS = Thresholds(200, 300, 0.8, 0.7, 0.05, 0.8)
NAME = ("pattern", "memory.recall/memory")


def counted(*, ms: float = 10, runs: int = 100, **more: int) -> dict[tuple[str, str], Counter[str]]:
    return {NAME: Counter({"runs": runs, "made": runs, bucket("us", ms): runs} | more)}


@pytest.mark.parametrize("ms", [0.02, 1.0, 7.7, 250.0, 60_000.0])
def test_a_quantile_is_right_within_five_percent(ms: float) -> None:
    counts = {bucket("us", ms): 10, bucket("kept", 1.0): 90}

    assert quantile(counts, "us", 0.95) == pytest.approx(ms, rel=0.06)


def test_histograms_add_up() -> None:
    one = Counter({bucket("us", 2.0): 60})
    other = Counter({bucket("us", 2.0): 34, bucket("us", 500.0): 6})

    assert quantile(one + other, "us", 0.5) == pytest.approx(2.0, rel=0.06)
    assert quantile(one + other, "us", 0.95) == pytest.approx(500.0, rel=0.06)
    assert quantile({}, "us", 0.5) is None


def test_figures_are_told_by_pattern_and_route() -> None:
    feedback = {("pattern", "memory.recall/feedback"): Counter({"judged": 4, "good": 3})}
    kept = {"kept_process": 30, "kept_redis": 10}
    more = {"tokens": 5_000, "failed": 2, "recalled": 50, "found": 40}

    [one] = pattern_figures(counted(runs=100, **kept, **more) | feedback)

    assert (one.pattern, one.route, one.runs, one.failed) == ("memory.recall", "memory", 100, 2)
    assert (one.kept, one.kept_by) == (40, {"process": 30, "redis": 10})
    assert (one.tokens_mean, one.found, one.recalled, one.judged, one.good) == (50, 40, 50, 4, 3)


@pytest.mark.parametrize(
    ("ms", "level"), [(150.0, []), (250.0, ["warning"]), (400.0, ["critical"])]
)
def test_a_slow_pattern_is_an_alert(ms: float, level: list[str]) -> None:
    found = alerts(pattern_figures(counted(ms=ms)), (), None, (), LIMITS)

    assert [alert.level for alert in found] == level


def test_few_runs_are_no_alert() -> None:
    figures = pattern_figures(counted(ms=400, runs=RUNS_MIN - 1, failed=RUNS_MIN - 1))

    assert alerts(figures, (), None, (), LIMITS) == ()


def test_failures_are_an_alert() -> None:
    [alert] = alerts(pattern_figures(counted(failed=6)), (), None, (), LIMITS)

    assert "6 of 100 runs failed" in alert.text
    assert alerts(pattern_figures(counted(failed=5)), (), None, (), LIMITS) == ()


@pytest.mark.parametrize(("hits", "level"), [(80, []), (75, ["warning"]), (60, ["critical"])])
def test_what_is_asked_again_and_gone_is_an_alert(hits: int, level: list[str]) -> None:
    """First questions count for nothing: nobody can keep their answers."""
    counts = Counter({"hits": hits, "misses": 1_000, "again_missed": 100 - hits})

    found = alerts((), cache_figures({("cache", "answers"): counts}), None, (), LIMITS)

    assert [alert.level for alert in found] == level


def test_busy_connections_are_an_alert() -> None:
    busy = ConnectionFigures(readers=2, writer_busy=0.9, readers_busy=0.1, waited_ms_mean=3)

    [alert] = alerts((), (), busy, (), LIMITS)

    assert "writer" in alert.about


def test_critical_alerts_come_first() -> None:
    slower = Slower("memory.recall", 10, 80, 0)

    found = alerts(pattern_figures(counted(failed=50)), (), None, (slower,), LIMITS)

    assert [alert.level for alert in found] == ["critical", "warning"]
    assert "80 ms, usual were 10 ms" in found[1].text


def test_a_trend_is_told_against_the_days_before() -> None:
    before, now = counted(ms=10, tokens=20_000), counted(ms=80, tokens=90_000, kept_process=50)

    found = trends(pattern_figures(now), pattern_figures(before))

    assert len(found) == 3
    assert "p95" in found[0]
    assert "200 -> 900 tokens" in found[1]
    assert "kept 0% -> 50%" in found[2]
    assert trends(pattern_figures(now), pattern_figures(now)) == ()


def test_a_budget_that_is_hardly_used_may_be_lowered() -> None:
    figures = pattern_figures(counted(tokens=12_000))

    [said] = suggestions(figures, {"memory.recall": 900}, {})

    assert "900 tokens, of which 120 are used" in said
    assert "set its budget to 200" in said
    assert suggestions(figures, {"memory.recall": 200}, {}) == ()


def test_a_memory_part_that_finds_nothing_is_told() -> None:
    [said] = suggestions(pattern_figures(counted(recalled=100, found=3)), {}, {})

    assert "found something in 3 of 100 runs" in said


def test_what_is_asked_again_and_never_kept_should_be() -> None:
    figures = pattern_figures(counted(again=60))

    [said] = suggestions(figures, {}, {"memory.recall": 0})

    assert "cache_seconds" in said
    assert suggestions(figures, {}, {"memory.recall": 60}) == ()


def test_feedback_against_a_pattern_is_told() -> None:
    feedback = {("pattern", "memory.recall/feedback"): Counter({"judged": 40, "good": 10})}

    [said] = suggestions(pattern_figures(counted() | feedback), {}, {})

    assert "10 of 40 observations" in said


def test_a_pattern_that_has_become_slower_is_noticed_and_forgotten_again() -> None:
    slowness = Slowness()
    for _ in range(2 * USUAL_RUNS_MIN):
        slowness.note("a", 10, now=1)
        slowness.note("b", 10, now=1)
    for _ in range(10):
        slowness.note("a", 60, now=2)
        slowness.note("b", 12, now=2)
    [slower] = slowness.slower
    slowness.note("a", 10, now=3)

    assert (slower.pattern, slower.since) == ("a", 2)
    assert slower.usual_ms == pytest.approx(10, rel=0.01)
    assert slower.now_ms == pytest.approx(60, rel=0.01)
    assert slowness.slower == ()


def test_one_slow_run_is_chance() -> None:
    slowness = Slowness()
    for number in range(200):
        slowness.note("a", 300 if number % 50 == 49 else 10, now=1)

    assert slowness.slower == ()
