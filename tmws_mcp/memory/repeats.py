"""What the store says already: texts that are there, and echoes of what recall has shown.

What was acknowledged must be found: by the tags of the repeat too, and for as long as it asks.
"""

from collections.abc import Mapping, Sequence

from tmws_mcp.memory import row
from tmws_mcp.memory.replacing import replaced, supersede
from tmws_mcp.memory.upkeep import echo
from tmws_mcp.model import Scope, StoreReply, StoreRequest
from tmws_mcp.store import memories, namespaces
from tmws_mcp.store.driver import Connection

AREA = "memory"
"""Its generation moves with every write."""


def again(
    db: Connection, ns: int, first: tuple[int, str], request: StoreRequest, scope: Scope
) -> StoreReply:
    """Answer with the memory that says the same, and add to it what this call says beyond it.

    What was acknowledged must be found: by its tags, and for as long as was asked.
    """
    key, uid = first
    older = replaced(db, ns, request.supersedes)
    if older is not None and older != key:
        supersede(db, older, key)
    memories.extend_life(db, key, row.seconds(request.expires_at))
    if memories.add_tags(db, ns, key, row.tags(request)):
        index_again(db, ns, [key])
    return StoreReply(id=uid, created=False, duplicate_of=uid, scope=scope)


def echoed(
    db: Connection, request: StoreRequest, scope: Scope, was_shown: echo.Known, now: float
) -> StoreReply | None:
    """Answer with the memories that the text consists of, if recall has shown each of them."""
    found = _echoed(db, request, scope, was_shown, now)
    return _repeated(db, found, request, scope) if found else None


def _echoed(
    db: Connection, request: StoreRequest, scope: Scope, was_shown: echo.Known, now: float
) -> list[memories.Record]:
    """Return the memories that the text consists of, if recall has shown each of them.

    Whoever names a thread, a time or an older version says something beyond the text.
    """
    if request.thread or request.occurred_at or request.supersedes:
        return []
    frames = echo.framed(request.content)
    if was_shown is echo.nothing_shown and not frames:
        return []
    where = [namespaces.find(db, name) for name in (scope.namespace, *scope.also)]
    spaces = [ns for ns in where if ns is not None]
    framed = memories.keys_of(db, frames, spaces)
    known = _with_framed(db, framed, was_shown)
    uids = echo.originals(request.content, known, framed)
    keys = memories.keys_of(db, uids, spaces)
    found = memories.records(db, [keys[uid] for uid in uids if uid in keys])
    current = all(_is_current(record, now) for record in found)
    return found if current and len(found) == len(uids) else []


def _with_framed(db: Connection, framed: Mapping[str, int], was_shown: echo.Known) -> echo.Known:
    """Return a look-up that knows the memories named in frames too: another process showed them."""
    texts = memories.texts(db, list(framed.values()))
    prints = {echo.fingerprint(one.content): one.uid for one in texts}
    return lambda key: prints.get(key) or was_shown(key)


def _is_current(record: memories.Record, now: float) -> bool:
    unexpired = record.expires_at is None or record.expires_at > now
    return unexpired and record.superseded_by is None and record.archived is None


def _repeated(
    db: Connection, echoed: Sequence[memories.Record], request: StoreRequest, scope: Scope
) -> StoreReply:
    for record in echoed:
        memories.extend_life(db, record.id, row.seconds(request.expires_at))
        if memories.add_tags(db, record.ns, record.id, row.tags(request)):
            index_again(db, record.ns, [record.id])
        namespaces.touch(db, record.ns, AREA)
    uids = tuple(record.uid for record in echoed)
    return StoreReply(id=uids[0], created=False, duplicate_of=uids[0], echo_of=uids, scope=scope)


def index_again(db: Connection, ns: int, keys: Sequence[int]) -> None:
    """Index memories anew, since what they are found by beside their text has changed."""
    from tmws_mcp.memory.search import index  # noqa: PLC0415 - it imports numpy

    index.again(db, ns, keys)
