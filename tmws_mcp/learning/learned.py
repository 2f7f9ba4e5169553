"""Learned patterns: what people see of the counts."""

from typing import cast

from tmws_mcp.errors import NotFound
from tmws_mcp.learning import posterior, wording
from tmws_mcp.learning.counting import ALL, Changes
from tmws_mcp.learning.kinds import KINDS
from tmws_mcp.model import (
    Evidence,
    LearnedKind,
    LearnedPattern,
    LearnedSummary,
    Scope,
)
from tmws_mcp.model.learning import LearnedCounts, LearningStatistics
from tmws_mcp.store import evidence, namespaces, observations, tasks
from tmws_mcp.store import learned as table
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Tally
from tmws_mcp.store.learned import Learned

SHOWN_MAX = 3
"""So many learned patterns are named in the answer to an observation."""


def evidence_of(tally: Tally, rest: Tally | None) -> Evidence:
    """Return counts as the evidence of a reply."""
    return Evidence(
        support=tally.n,
        successes=tally.ok,
        instances=len(tally.actors),
        last_seen=wording.moment(tally.last_at) if tally.n else None,
        lower_bound=round(posterior.lower_bound(tally.ok, tally.n), 3),
        base_rate=round(rest.ok / rest.n, 3) if rest and rest.n else None,
    )


def keep(db: Connection, ns: int, changes: Changes, now: float) -> tuple[LearnedSummary, ...]:
    """Keep the learned patterns that moved, and return the few worth telling."""
    moved = [
        Learned(pattern_id, kind, made) for (kind, pattern_id), made in changes.learned.items()
    ]
    for learned in moved:
        table.note(db, ns, learned, now)
    order = list(KINDS)
    moved.sort(key=lambda learned: order.index(cast("LearnedKind", learned.kind)))
    return tuple(_summary(db, ns, learned) for learned in moved[:SHOWN_MAX])


def _summary(db: Connection, ns: int, learned: Learned) -> LearnedSummary:
    shown = _shown(db, ns, learned)
    assert shown.success_rate is not None
    return LearnedSummary(
        kind=shown.kind,
        pattern_id=shown.pattern_id,
        summary=shown.summary,
        confidence=shown.success_rate,
        support=shown.evidence.support,
    )


def _shown(db: Connection, ns: int, learned: Learned) -> LearnedPattern:
    name = cast("LearnedKind", learned.kind)
    kind = KINDS[name]
    tally = kind.tally(db, ns, learned.definition)
    rest = kind.rest(db, ns, learned.definition)
    everything = evidence.tally(db, ns, *ALL)
    return LearnedPattern(
        pattern_id=learned.id,
        kind=name,
        summary=f"{kind.summary(db, ns, learned.definition)}: {wording.worked(tally)}"
        if tally.n
        else kind.summary(db, ns, learned.definition),
        definition=learned.definition,
        success_rate=round(posterior.mean([everything, tally]), 3),
        evidence=evidence_of(tally, rest),
        actors=tuple(sorted(tally.actors)),
    )


def learned_patterns(db: Connection, scope: Scope, *, limit: int) -> tuple[LearnedPattern, ...]:
    """Return the learned patterns of the namespace, those seen last first."""
    ns = namespaces.find(db, scope.namespace)
    if ns is None:
        return ()
    return tuple(_shown(db, ns, learned) for learned in table.newest(db, ns, limit))


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
    return _shown(db, ns, found)


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
