"""A/B: two learned patterns, variants, tools or authored patterns beside each other, in words."""

from dataclasses import dataclass

from tmws_mcp.errors import NotFound
from tmws_mcp.learning import wording
from tmws_mcp.learning.counting import EVERYWHERE, TASK_TOOL, TOOL, VARIANT
from tmws_mcp.learning.drift import PATTERN
from tmws_mcp.learning.durations import median
from tmws_mcp.learning.learned import kind_of
from tmws_mcp.learning.two_shares import probability_better, share_faster
from tmws_mcp.learning.words import task_key
from tmws_mcp.model import Scope
from tmws_mcp.model.learned import Compared, Comparison
from tmws_mcp.store import evidence, namespaces
from tmws_mcp.store import learned as table
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Tally

SURE = 0.95
"""From here on one is called better."""
FASTER_MIN = 1.1
"""Medians of buckets are right within 5 % each."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two."""

    name: str
    what: str
    tally: Tally


def compare(db: Connection, one: str, other: str, scope: Scope, *, task: str = "") -> Comparison:
    """Compare two by their ids or names; with a task, by what they did for it.

    Raises:
        NotFound: Nothing was observed under one of the names.
    """
    ns = namespaces.find(db, scope.namespace)
    first, second = (_side(db, ns, name, task, scope) for name in (one, other))
    a, b = first.tally, second.tally
    better = probability_better(a.fresh_ok, a.fresh_n, b.fresh_ok, b.fresh_n)
    fast, slow = median(a.durations), median(b.durations)
    faster = share_faster(a.durations, b.durations)
    return Comparison(
        one=_compared(first),
        other=_compared(second),
        better=round(better, 4),
        faster=None if faster is None else round(faster, 4),
        times=round(slow / fast, 2) if fast and slow else None,
        verdict=_verdict(first, second, better, faster),
        scope=scope,
    )


def _side(db: Connection, ns: int | None, name: str, task: str, scope: Scope) -> Side:
    if ns is not None and (found := table.find(db, ns, name)) is not None:
        kind = kind_of(found)
        said = kind.summary(db, ns, found.definition)
        return Side(name, f"{found.kind}: {said}", kind.tally(db, ns, found.definition))
    places = _places(task) if ns is not None else ()
    for what, kind_of_outcome, key in places:
        assert ns is not None
        tally = evidence.tally(db, ns, kind_of_outcome, key, name)
        if tally.n:
            return Side(name, what, tally)
    remedy = (
        "Name a learned pattern's id, a method, a tool or an authored pattern that was observed in "
        f"namespace {scope.namespace!r}{' for this task' if task else ''}."
    )
    raise NotFound("learned pattern or name with evidence", name, remedy=remedy)


def _places(task: str) -> tuple[tuple[str, str, str], ...]:
    """Return what a name may be: in words, and where it is counted then."""
    if task:
        key, shown = task_key(task), wording.task(task)
        return (
            (f"method for {shown}", VARIANT, f"task:{key}"),
            (f"tool for {shown}", TASK_TOOL, key),
        )
    return (
        ("method", VARIANT, EVERYWHERE),
        ("tool", TOOL, EVERYWHERE),
        ("authored pattern", PATTERN, EVERYWHERE),
    )


def _compared(side: Side) -> Compared:
    tally = side.tally
    return Compared(
        name=side.name,
        what=side.what,
        support=tally.fresh_n,
        successes=tally.fresh_ok,
        seconds=median(tally.durations),
        timed=sum(tally.durations.values()),
        tokens=round(tally.tokens / tally.metered) if tally.metered else None,
    )


def _verdict(one: Side, other: Side, better: float, faster: float | None) -> str:
    parts = [_success(one, other, better)]
    if faster is not None:
        parts.append(_speed(one, other, faster))
    return " ".join(parts)


def _success(one: Side, other: Side, better: float) -> str:
    said = f"{_share(one)}, {_share(other)}"
    ahead, chance = (one, better) if better >= 0.5 else (other, 1 - better)  # noqa: PLR2004 - half
    if chance >= SURE:
        return f"{said}: {ahead.name} works more often (probability {_percent(chance)})."
    return (
        f"{said}: which works more often is open ({ahead.name} with probability "
        f"{_percent(chance)}; {wording.percent(SURE)} would settle it)."
    )


def _percent(chance: float) -> str:
    return "over 99.9 %" if chance > 0.999 else f"{100 * chance:.1f} %"  # noqa: PLR2004 - shown


def _share(side: Side) -> str:
    ok, n = side.tally.fresh_ok, side.tally.fresh_n
    share = f" ({wording.percent(ok / n)})" if n else ""
    return f"{side.name} worked in {ok} of {n}{share}"


def _speed(one: Side, other: Side, faster: float) -> str:
    mine, theirs = median(one.tally.durations), median(other.tally.durations)
    assert mine
    assert theirs
    quick, slow = (one, other) if mine <= theirs else (other, one)
    times = max(mine, theirs) / min(mine, theirs)
    took = f"{one.name} takes {wording.seconds(mine)}, {other.name} {wording.seconds(theirs)}"
    if times < FASTER_MIN:
        return f"{took} (medians): about the same."
    won = faster if quick is one else 1 - faster
    return (
        f"{took} (medians): {quick.name} is {times:.1f} times faster, "
        f"and in {wording.percent(won)} of all pairs a run of it beats one of {slow.name}."
    )
