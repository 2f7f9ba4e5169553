"""From counts to figures, alerts, trends and suggestions: pure functions of bags of integers."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tmws_mcp.engine.histogram import quantile
from tmws_mcp.engine.slowness import Slower
from tmws_mcp.model.figures import Alert, CacheFigures, ConnectionFigures, PatternFigures
from tmws_mcp.store.figures import Thing

PATTERN, CACHE = "pattern", "cache"
FEEDBACK = "feedback"
RUNS_MIN = 20
"""Fewer runs, or questions asked again, say nothing about a share or a twentieth of them."""
CHANGED_SHARE_MIN = 0.3
"""A trend is told from a change of so much on."""
CHANGED_MS_MIN = 5.0
TOLD_MAX = 10
ROUND_TO_TOKENS = 50
BUDGET_SPARE_MIN = 2.0
"""A budget is worth lowering where what is used fits into half of it."""
USEFUL_MIN = 0.2
AGAIN_MAX = 0.3
GOOD_MIN = 0.5

Counts = Mapping[Thing, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on a figure is an alert."""

    p95_warning_ms: float
    p95_critical_ms: float
    hit_rate_warning: float
    hit_rate_critical: float
    failed_share: float
    connections_busy: float


def pattern_figures(counted: Counts) -> tuple[PatternFigures, ...]:
    """Return the figures of each pattern and route, those that ran most often first."""
    found = [
        _pattern_figures(name, Counter(counts), _feedback(counted, name))
        for (kind, name), counts in counted.items()
        if kind == PATTERN and not name.endswith(f"/{FEEDBACK}")
    ]
    return tuple(sorted(found, key=lambda one: (-one.runs, one.pattern, one.route)))


def _feedback(counted: Counts, name: str) -> Counter[str]:
    return Counter(counted.get((PATTERN, f"{name.rsplit('/', 1)[0]}/{FEEDBACK}"), {}))


def _pattern_figures(name: str, counts: Counter[str], feedback: Counter[str]) -> PatternFigures:
    pattern, _, route = name.rpartition("/")
    kept_by = {
        name.removeprefix("kept_"): n for name, n in counts.items() if name.startswith("kept_")
    }
    return PatternFigures(
        pattern=pattern,
        route=route,
        runs=counts["runs"],
        p50_ms=quantile(counts, "us", 0.5),
        p95_ms=quantile(counts, "us", 0.95),
        kept_p95_ms=quantile(counts, "kept", 0.95),
        failed=counts["failed"],
        kept=sum(kept_by.values()),
        kept_by=kept_by,
        tokens_mean=round(counts["tokens"] / max(counts["runs"], 1), 1),
        tokens_saved=counts["saved"],
        found=counts["found"],
        recalled=counts["recalled"],
        again=counts["again"],
        judged=feedback["judged"],
        good=feedback["good"],
    )


def cache_figures(counted: Counts) -> tuple[CacheFigures, ...]:
    """Return how each cache served."""
    return tuple(
        CacheFigures(
            name=name,
            hits=counts.get("hits", 0),
            misses=counts.get("misses", 0),
            again_missed=counts.get("again_missed", 0),
        )
        for (kind, name), counts in sorted(counted.items())
        if kind == CACHE
    )


def alerts(
    patterns: Sequence[PatternFigures],
    caches: Sequence[CacheFigures],
    connections: ConnectionFigures | None,
    slower: Sequence[Slower],
    limits: Thresholds,
) -> tuple[Alert, ...]:
    """Return the figures that are past their thresholds, critical ones first."""
    found = [
        *(alert for one in patterns for alert in _of_pattern(one, limits)),
        *(alert for one in caches for alert in _of_cache(one, limits)),
        *_of_connections(connections, limits),
        *map(_of_slower, slower),
    ]
    return tuple(sorted(found, key=lambda alert: alert.level != "critical"))[:TOLD_MAX]


def _of_pattern(one: PatternFigures, limits: Thresholds) -> Iterator[Alert]:
    made, name = one.runs - one.kept, f"{one.pattern} ({one.route})"
    if made >= RUNS_MIN and one.p95_ms is not None and one.p95_ms > limits.p95_warning_ms:
        critical = one.p95_ms > limits.p95_critical_ms
        limit = limits.p95_critical_ms if critical else limits.p95_warning_ms
        text = f"one in twenty runs takes over {one.p95_ms:g} ms; the limit is {limit:g} ms"
        yield Alert(level="critical" if critical else "warning", about=name, text=text)
    if made >= RUNS_MIN and one.failed > limits.failed_share * made:
        text = f"{one.failed} of {made} runs failed; the limit is {limits.failed_share:.0%}"
        yield Alert(level="critical", about=name, text=text)


def _of_cache(one: CacheFigures, limits: Thresholds) -> Iterator[Alert]:
    rate = one.hit_rate
    if rate is None or one.hits + one.again_missed < RUNS_MIN or rate >= limits.hit_rate_warning:
        return
    critical = rate < limits.hit_rate_critical
    limit = limits.hit_rate_critical if critical else limits.hit_rate_warning
    text = f"of what was asked again {rate:.0%} was still kept; the limit is {limit:.0%}"
    yield Alert(level="critical" if critical else "warning", about=f"cache {one.name}", text=text)


def _of_connections(one: ConnectionFigures | None, limits: Thresholds) -> Iterator[Alert]:
    for name, busy in (("writer", one.writer_busy), ("readers", one.readers_busy)) if one else ():
        if busy > limits.connections_busy:
            text = f"busy {busy:.0%} of the time; the limit is {limits.connections_busy:.0%}"
            yield Alert(level="critical", about=f"the store's {name}", text=text)


def _of_slower(one: Slower) -> Alert:
    since = datetime.fromtimestamp(one.since, UTC).strftime("%Y-%m-%d %H:%M UTC")
    text = f"slower since {since}: {one.now_ms:.3g} ms, usual were {one.usual_ms:.3g} ms"
    return Alert(level="warning", about=one.pattern, text=text)


def trends(now: Sequence[PatternFigures], before: Sequence[PatternFigures]) -> tuple[str, ...]:
    """Say what differs from the same number of days before."""
    earlier = {(one.pattern, one.route): one for one in before}
    found = [
        said
        for one in now
        if (past := earlier.get((one.pattern, one.route))) is not None
        for said in _changes(one, past)
    ]
    return tuple(found[:TOLD_MAX])


def _changes(now: PatternFigures, past: PatternFigures) -> Iterator[str]:
    if min(now.runs, past.runs) < RUNS_MIN:
        return
    name = f"{now.pattern} ({now.route})"
    if now.p95_ms and past.p95_ms and _differs(now.p95_ms, past.p95_ms, CHANGED_MS_MIN):
        yield f"{name}: p95 {past.p95_ms:g} -> {now.p95_ms:g} ms"
    if _differs(now.tokens_mean, past.tokens_mean, ROUND_TO_TOKENS):
        yield f"{name}: {past.tokens_mean:.0f} -> {now.tokens_mean:.0f} tokens a reply"
    shares = [(one.kept / one.runs, one.failed / one.runs) for one in (past, now)]
    for what, old, new in zip(("kept", "failed"), *shares, strict=True):
        if abs(new - old) >= CHANGED_SHARE_MIN / 2:
            yield f"{name}: {what} {old:.0%} -> {new:.0%}"


def _differs(now: float, past: float, least: float) -> bool:
    return abs(now - past) >= max(least, CHANGED_SHARE_MIN * past)


def suggestions(
    patterns: Sequence[PatternFigures], budgets: Mapping[str, int], cached: Mapping[str, int]
) -> tuple[str, ...]:
    """Say what may be done: `budgets` are the patterns' tokens, `cached` their cache_seconds."""
    found = (
        said
        for one in patterns
        if one.runs >= RUNS_MIN
        for said in _advice(one, budgets.get(one.pattern), cached.get(one.pattern))
    )
    return tuple(said for said, _ in zip(found, range(TOLD_MAX), strict=False))


def _advice(one: PatternFigures, budget: int | None, cached: int | None) -> Iterator[str]:
    name = one.pattern
    if budget and one.tokens_mean and budget >= BUDGET_SPARE_MIN * one.tokens_mean:
        enough = -(-int(1.5 * one.tokens_mean) // ROUND_TO_TOKENS) * ROUND_TO_TOKENS
        if enough < budget:
            yield (
                f"{name} may return {budget} tokens, of which {one.tokens_mean:.0f} are used on "
                f"average: set its budget to {enough}."
            )
    if one.recalled >= RUNS_MIN and one.found < USEFUL_MIN * one.recalled:
        yield (
            f"The memory part of {name} found something in {one.found} of {one.recalled} runs: "
            "mode fast leaves it out, or give its recall other words."
        )
    if one.again > AGAIN_MAX * one.runs and cached == 0:
        yield (
            f"{name} is asked the same again within two minutes in {one.again} of {one.runs} runs: "
            "give it cache_seconds, if its answer may be that old."
        )
    if one.judged >= RUNS_MIN and one.good < GOOD_MIN * one.judged:
        yield (
            f"{one.good} of {one.judged} observations say that {name} helped: look at its triggers "
            "with `tmws-mcp patterns why`."
        )
