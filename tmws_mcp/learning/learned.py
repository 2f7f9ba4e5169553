"""Learned patterns: what people see of the counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import cast

from tmws_mcp.errors import NotFound
from tmws_mcp.learning import drift, history, posterior, wording
from tmws_mcp.learning.counting import ALL, Changes
from tmws_mcp.learning.durations import median
from tmws_mcp.learning.kinds import KINDS, Kind
from tmws_mcp.model import (
    Evidence,
    LearnedFilter,
    LearnedKind,
    LearnedPattern,
    LearnedSummary,
    Scope,
    Snapshot,
)
from tmws_mcp.model.learning import LearnedCounts, LearningStatistics
from tmws_mcp.store import counted, evidence, namespaces, observations, tasks
from tmws_mcp.store import history as days
from tmws_mcp.store import learned as table
from tmws_mcp.store.counted import Counted
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context, Tally
from tmws_mcp.store.learned import Learned, Noted

AREAS = ("learning", "contexts")
"""What caches look at: the second one moves when the counts of contexts do."""
SHOWN_MAX = 3
"""So many learned patterns are named in the answer to an observation."""


def evidence_of(tally: Tally, rest: Tally | None) -> Evidence:
    """Return counts as the evidence of a reply; after a change, those since then."""
    changed = bool(tally.changed_at)
    return Evidence(
        support=tally.fresh_n,
        successes=tally.fresh_ok,
        instances=len(tally.actors),
        last_seen=wording.moment(tally.last_at) if tally.n else None,
        lower_bound=round(posterior.lower_bound(tally.fresh_ok, tally.fresh_n), 3),
        base_rate=round(rest.ok / rest.n, 3) if rest and rest.n else None,
        changed_at=wording.moment(tally.changed_at) if changed else None,
        before=round(tally.before_ok / tally.before_n, 3) if tally.before_n else None,
    )


@dataclass(frozen=True, slots=True)
class Keeping:
    """What an observation has left."""

    told: tuple[LearnedSummary, ...]
    """The few learned patterns worth telling."""
    counted: Mapping[Context, Counted]
    """All slots that it has counted, as they stand now."""
    is_new: bool
    """Whether there may be other learned patterns than before."""


def keep(db: Connection, ns: int, changes: Changes, now: float) -> Keeping:
    """Keep the learned patterns that moved.

    The counts of the changes must be written by now: alarm and history look at them.
    """
    moved = [
        (Learned(pattern_id, kind, made), KINDS[cast("LearnedKind", kind)].slot(made))
        for (kind, pattern_id), made in changes.learned.items()
    ]
    patterns, is_new = _noted(db, ns, moved, changes, now)
    looked_at = dict.fromkeys([*changes.outcomes, *(slot for _, slot in moved)])
    found = counted.read(db, ns, [*looked_at, ALL] if moved else [*looked_at])
    if worse := drift.watch(db, ns, found, changes.trails, now):
        found |= counted.read(db, ns, worse)
    history.keep(
        db,
        ns,
        {slot: one for slot, one in found.items() if slot in changes.outcomes},
        patterns,
        now,
    )
    order = list(KINDS)
    moved.sort(key=lambda one: order.index(cast("LearnedKind", one[0].kind)))
    told = tuple(_summary(db, ns, *one, found) for one in moved[:SHOWN_MAX])
    return Keeping(told, found, is_new)


def _noted(
    db: Connection,
    ns: int,
    moved: Sequence[tuple[Learned, Context]],
    changes: Changes,
    now: float,
) -> tuple[Mapping[Context, Sequence[Noted]], bool]:
    """Note the patterns that moved; return those of all slots that did, and whether any is new."""
    shown = [slot for slot in changes.outcomes if slot[0] in history.SHOWN]
    slots = list(dict.fromkeys([*shown, *(slot for _, slot in moved)]))
    before = table.of_slots(db, ns, slots)
    new = [table.note(db, ns, one, slot, now, before.get(slot, ())) for one, slot in moved]
    return (table.of_slots(db, ns, slots) if any(new) else before), any(new)


def touch(db: Connection, ns: int) -> None:
    """Move the generations of all that is cached of what was learned."""
    for area in AREAS:
        namespaces.touch(db, ns, area)


def kind_of(learned: Learned) -> Kind:
    """Return what knows about a learned pattern."""
    return KINDS[cast("LearnedKind", learned.kind)]


def _summary(
    db: Connection,
    ns: int,
    learned: Learned,
    slot: Context,
    found: Mapping[Context, Counted],
) -> LearnedSummary:
    """Return a pattern in a line; each observation does, so that nothing else is read for it."""
    everything, tally = (found[one].tally if one in found else Tally() for one in (ALL, slot))
    return LearnedSummary(
        kind=cast("LearnedKind", learned.kind),
        pattern_id=learned.id,
        summary=_said(db, ns, learned, tally),
        confidence=round(posterior.mean([everything, tally]), 3),
        support=tally.fresh_n,
    )


def _said(db: Connection, ns: int, learned: Learned, tally: Tally) -> str:
    said = kind_of(learned).summary(db, ns, learned.definition)
    return f"{said}: {wording.worked(tally)}" if tally.n else said


def _shown(db: Connection, ns: int, learned: Learned) -> LearnedPattern:
    kind = kind_of(learned)
    tally = kind.tally(db, ns, learned.definition)
    rest = kind.rest(db, ns, learned.definition)
    everything = evidence.tally(db, ns, *ALL)
    return LearnedPattern(
        pattern_id=learned.id,
        kind=cast("LearnedKind", learned.kind),
        summary=_said(db, ns, learned, tally),
        definition=learned.definition,
        success_rate=round(posterior.mean([everything, tally]), 3),
        evidence=evidence_of(tally, rest),
        seconds=median(tally.durations),
        version=tally.epoch + 1,
        first_seen=wording.moment(learned.first_at),
        actors=tuple(sorted(tally.actors)),
    )


def learned_patterns(
    db: Connection, scope: Scope, wanted: LearnedFilter
) -> tuple[LearnedPattern, ...]:
    """Return the learned patterns of the namespace that are wanted, those seen last first."""
    ns = namespaces.find(db, scope.namespace)
    if ns is None:
        return ()
    read = table.LEARNED_MAX if wanted.min_support else wanted.limit
    found = table.newest(
        db,
        ns,
        read,
        kind=wanted.kind or "",
        tool=wanted.tool,
        since=wanted.since.timestamp() if wanted.since else 0.0,
    )
    shown = (_shown(db, ns, learned) for learned in found)
    enough = (one for one in shown if one.evidence.support >= wanted.min_support)
    return tuple(islice(enough, wanted.limit))


def learned_pattern(db: Connection, pattern_id: str, scope: Scope) -> LearnedPattern:
    """Return one learned pattern.

    Raises:
        NotFound: The namespace has none of that id.
    """
    ns = namespaces.find(db, scope.namespace)
    found = table.find(db, ns, pattern_id) if ns is not None else None
    if ns is None or found is None:
        raise NotFound(
            "learned pattern",
            pattern_id,
            remedy=f"`tmws-mcp inspect learned` lists those of namespace {scope.namespace!r}.",
        )
    return _shown(db, ns, found).model_copy(update={"history": _history(db, ns, found)})


def _history(db: Connection, ns: int, learned: Learned) -> tuple[Snapshot, ...]:
    return tuple(
        Snapshot(
            day=wording.day(was.day * history.DAY_SECONDS),
            support=was.n,
            successes=was.ok,
            version=was.epoch + 1,
        )
        for was in days.of_pattern(db, ns, learned.id)
    )


def statistics(db: Connection, scope: Scope) -> LearningStatistics:
    """Return how much was observed and learned in the namespace."""
    ns = namespaces.find(db, scope.namespace)
    if ns is None:
        return LearningStatistics()
    steps, sessions, open_sessions = observations.counts(db, ns)
    every = evidence.tally(db, ns, *ALL)
    return LearningStatistics(
        steps=steps,
        observed=every.n,
        succeeded=every.ok,
        sessions=sessions,
        open_sessions=open_sessions,
        tasks=tasks.count(db, ns),
        learned=LearnedCounts(**table.counts(db, ns)),
    )
