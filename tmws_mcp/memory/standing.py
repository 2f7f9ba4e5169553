"""Does what a recall showed still stand, after others were written?

A kept answer must not be given while something that belongs into it is missing, or something in it
has changed. Making it anew after every write would be right, and would keep nothing: one write in
twenty leaves each answer for twenty calls. So whoever was written since is held against the answer:

- It changed what is shown, or was erased: the answer is made anew.
- It stands in a thread, or it says when it happened and the query names a time, or the answer is
  a list of the newest: anew, since more than its own words decides on its place there.
- It says clearly less of the query than the weakest that is shown, and its meaning is clearly
  further from it: it cannot displace any of those. Where the answer has room left it must say
  nothing of the query at all.
- It may be as good: it is ranked with those that are shown, and stays out if it is clearly behind.

What moves by a write without these signs is how rare words are, and with it a score in its third
digit. How often that shows is printed by `make bench-cache`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tmws_mcp.memory.call import prepared
from tmws_mcp.model import RecallReply, RecallRequest, Scope
from tmws_mcp.model.memory import focus_of
from tmws_mcp.store import changes, forward, segments
from tmws_mcp.store.driver import Connection

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder
    from tmws_mcp.store.changes import Changed

CHANGED_MAX = 256
"""Memories that are held against an answer; after more of them it is made anew."""
GROWN_SHARE_MAX = 0.1
"""By so much a namespace may grow before how rare its words are is another matter."""


@dataclass(frozen=True, slots=True)
class Showed:
    """What a recall answered, as far as others can move it."""

    request: RecallRequest
    ids: frozenset[str]
    """Public ids of the memories shown, those folded into them as well."""
    full: bool
    """Whether more was found than is shown."""
    focused: bool = False
    """Whether what is shown ends where the rest is clearly behind the best."""
    tier: str = "hybrid"
    note: str | None = None
    within: float | None = None
    """Seconds that the oldest lies within the time asked for: by then it may have left it."""


def showed(request: RecallRequest, reply: RecallReply) -> Showed:
    """Return what a recall answered, as far as others can move it."""
    ids = (uid for memory in reply.memories for uid in (memory.id, *memory.also))
    focused = focus_of(request) > 0 and len(reply.memories) < request.limit
    return Showed(
        request,
        frozenset(ids),
        reply.omitted > 0,
        focused,
        reply.tier,
        reply.note,
        _within(request, reply),
    )


def _within(request: RecallRequest, reply: RecallReply) -> float | None:
    """Return how long after its beginning the oldest lies; None where no beginning was asked for.

    "The last three hours" begin later with each moment, and nothing has to be written for that.
    """
    if request.since is None or not reply.memories:
        return None
    times = (memory.occurred_at or memory.created_at for memory in reply.memories)
    oldest = min(datetime.fromisoformat(time) for time in times)
    return max((oldest - request.since).total_seconds(), 0.0)


def stands(
    db: Connection,
    showed: Showed,
    after: int,
    scope: Scope,
    *,
    embedder: "Embedder | None",
    now: float,
) -> bool:
    """Tell whether nothing that changed after a number belongs into an answer."""
    if after < changes.known_from(db):
        return False
    call = prepared(db, showed.request, scope, embedder, now)
    changed = changes.since(db, after, call.where, CHANGED_MAX + 1)
    if len(changed) > CHANGED_MAX or any(_touches(one, showed) for one in changed):
        return False
    current = [one.memory for one in changed if one.current]
    new = [key for ns in call.where for key in forward.passing(db, ns, current, call.chosen)]
    if not new:
        return True
    held = sum(segments.totals(db, ns).memories for ns in call.where)
    if len(changed) > GROWN_SHARE_MAX * held or not showed.request.query.strip():
        return False
    from tmws_mcp.memory.search.outside import outside  # noqa: PLC0415 - imports numpy

    dated = any(one.dated for one in changed)
    return outside(db, showed, call, new, dated=dated, embedder=embedder, now=now)


def _touches(changed: "Changed", showed: Showed) -> bool:
    if changed.uid is None:
        return True
    return changed.uid in showed.ids or (changed.current and changed.thread is not None)
