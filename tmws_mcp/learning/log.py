"""What is kept of the observations themselves, and for how long.

The log serves to promote patterns and to see what happened; what was learned from it are counts,
which outlive it. So it can be deleted, or kept for some days only, without forgetting a thing.
"""

from tmws_mcp.learning import forgetting, pausing, wording
from tmws_mcp.learning.learned import touch
from tmws_mcp.model import Scope
from tmws_mcp.model.learned import ForgetLearnedReply, ObservingStatus
from tmws_mcp.store import forgetting as taking
from tmws_mcp.store import learned as table
from tmws_mcp.store import log, namespaces
from tmws_mcp.store.driver import Connection

DAY_SECONDS = 86_400
DROPPED_MAX = 500
"""Rows that one slice of tidying takes: it holds the write lock."""


def status(db: Connection, scope: Scope, *, steps_days: int, sessions_days: int) -> ObservingStatus:
    """Return whether observing goes on, and what is kept of it."""
    ns = namespaces.find(db, scope.namespace)
    days = ObservingStatus(steps_days=steps_days, sessions_days=sessions_days, scope=scope)
    if ns is None:
        return days
    held = log.extent(db, ns)
    return days.model_copy(
        update={
            "paused": pausing.reason(db, ns),
            "steps": held.steps,
            "sessions": held.sessions,
            "oldest_step": wording.moment(held.oldest) if held.oldest is not None else None,
            "newest_step": wording.moment(held.newest) if held.newest is not None else None,
            "learned": sum(table.counts(db, ns).values()),
            "forgotten": forgetting.undoable(db, ns),
        }
    )


def delete(
    db: Connection, scope: Scope, *, before: float | None, dry_run: bool
) -> ForgetLearnedReply:
    """Erase the log and its sessions at once, all or those from before a moment."""
    subject = f"the step log of namespace {scope.namespace}"
    subject += f" before {wording.day(before)}" if before is not None else ""
    ns = namespaces.find(db, scope.namespace)
    if ns is None:
        return ForgetLearnedReply(subject=subject, rows={}, dry_run=dry_run, scope=scope)
    parts = taking.log_of(ns, before)
    counted = taking.count(db, parts)
    if not dry_run and any(counted.values()):
        taking.delete(db, ns, parts)
        touch(db, ns)
    return ForgetLearnedReply(
        subject=subject,
        rows={forgetting.WORDS[name]: n for name, n in counted.items() if n},
        note="what was learned from it stays; `learned forget` takes that out",
        dry_run=dry_run,
        scope=scope,
    )


def tidy(db: Connection, now: float, *, steps_days: int, sessions_days: int) -> int:
    """Drop a slice of what is over its days (0: no limit), and return how many rows."""
    dropped = 0
    for name in namespaces.names(db):
        ns = namespaces.find(db, name)
        assert ns is not None
        if steps_days:
            dropped += log.drop_old_steps(db, ns, now - steps_days * DAY_SECONDS, DROPPED_MAX)
        if sessions_days:
            before = now - sessions_days * DAY_SECONDS
            dropped += log.drop_old_sessions(db, ns, before, DROPPED_MAX)
        if dropped >= DROPPED_MAX:
            break
    return dropped
