"""What has expired: no recall shows it, it can be listed and extended, and then it is erased."""

from collections.abc import Sequence
from datetime import datetime

from tmws_mcp.errors import InvalidInput, NotFound
from tmws_mcp.memory.repeats import AREA
from tmws_mcp.memory.reply.shown import shown
from tmws_mcp.memory.row import seconds
from tmws_mcp.model import Memory, Scope
from tmws_mcp.store import candidates, memories, namespaces, versions
from tmws_mcp.store.driver import Connection


def expired(db: Connection, scope: Scope, now: float, limit: int) -> tuple[Memory, ...]:
    """Return a namespace's memories that have expired and are not erased yet, latest first."""
    ns = namespaces.find(db, scope.namespace)
    keys = versions.expired(db, ns, now, limit) if ns is not None else []
    return tuple(shown(record) for record in memories.records(db, keys))


def extend(
    db: Connection,
    uids: Sequence[str],
    until: datetime | None,
    scope: Scope,
    *,
    now: float,
) -> tuple[Memory, ...]:
    """Let memories live until then, or for ever; expired ones are found again.

    Raises:
        NotFound: The namespace holds none of that id.
        InvalidInput: The time has passed, or the text was stored again in the meantime.
    """
    if until is not None and until.timestamp() <= now:
        raise InvalidInput(f"{until.isoformat()} has passed. Give a later time, or --forever.")
    ns = namespaces.find(db, scope.namespace)
    keys = memories.keys_of(db, uids, [ns]) if ns is not None else {}
    for uid in uids:
        if ns is None or uid not in keys:
            raise NotFound("memory", uid, remedy="`tmws-mcp memories expired` lists the ids.")
        _check_not_stored_again(db, ns, uid, keys[uid], now)
        versions.expire_at(db, keys[uid], seconds(until))
    if ns is not None:
        namespaces.touch(db, ns, AREA)
    return tuple(shown(record) for record in memories.records(db, [keys[uid] for uid in uids]))


def _check_not_stored_again(db: Connection, ns: int, uid: str, key: int, now: float) -> None:
    again = memories.same_text(db, ns, candidates.text_hash(db, key), now)
    if again is not None and again[1] != uid:
        raise InvalidInput(
            f"The text of {uid!r} was stored again as {again[1]!r}, so that nothing was extended. "
            f"Leave {uid!r} out."
        )
