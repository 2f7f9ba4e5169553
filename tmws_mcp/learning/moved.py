"""What was learned between two days: new patterns, and those whose evidence moved."""

from datetime import UTC, date, datetime
from typing import cast

from tmws_mcp.errors import InvalidInput
from tmws_mcp.learning import history
from tmws_mcp.learning.learned import kind_of
from tmws_mcp.model import LearnedKind, Scope
from tmws_mcp.model.learned import LearnedMove
from tmws_mcp.store import history as days
from tmws_mcp.store import learned as table
from tmws_mcp.store import namespaces
from tmws_mcp.store.driver import Connection

MOVED_MAX = 200


def moved(
    db: Connection, scope: Scope, *, since: str, until: str, now: float
) -> tuple[LearnedMove, ...]:
    """Return what moved from the end of one day to the end of another (ISO dates, UTC).

    Raises:
        InvalidInput: A date is none, or they stand the wrong way round.
    """
    last = _day(until) if until else history.day_of(now)
    first = _day(since) if since else last - 1
    if first >= last:
        raise InvalidInput(f"{since or first} is not before {until or 'today'}; exchange the days.")
    ns = namespaces.find(db, scope.namespace)
    if ns is None:
        return ()
    found = (_told(db, ns, one, first) for one in days.between(db, ns, first, last, MOVED_MAX))
    return tuple(one for one in found if one is not None)


def _day(text: str) -> int:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{text!r} is no day; write it as 2026-11-25.") from error
    at = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    return history.day_of(at)


def _told(db: Connection, ns: int, one: days.Moved, first: int) -> LearnedMove | None:
    found = table.find(db, ns, one.id)
    if found is None:
        return None
    before = one.before or days.Snapshot(0, 0, 0, 0)
    has_changed = one.after.epoch > before.epoch
    is_worse = kind_of(found).tally(db, ns, found.definition).got_worse
    return LearnedMove(
        pattern_id=one.id,
        kind=cast("LearnedKind", found.kind),
        summary=kind_of(found).summary(db, ns, found.definition),
        is_new=history.day_of(found.first_at) > first,
        runs=one.after.n - before.n,
        successes=one.after.ok - before.ok,
        share_before=round(before.ok / before.n, 3) if before.n else None,
        share_after=round(one.after.ok / one.after.n, 3),
        got_worse=has_changed and is_worse,
        got_better=has_changed and not is_worse,
    )
