"""Forgetting, bringing back, erasing.

What is forgotten is found no more from the same transaction on, by itself or as its neighbours'
context: every search looks at the rows that it found. For UNDO_DAYS the row stays and can be
brought back; then the bytes go, from the indexes too.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tmws_mcp.errors import InvalidInput
from tmws_mcp.memory.language.words import analysed
from tmws_mcp.memory.recall import found_by
from tmws_mcp.memory.repeats import AREA
from tmws_mcp.memory.reply.budget import excerpt
from tmws_mcp.memory.reply.shown import moment
from tmws_mcp.model import ForgetReply, ForgetRequest, Memory, Scope
from tmws_mcp.store import forward, memories, namespaces, threads, vectors, versions
from tmws_mcp.store.driver import Connection

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder

DAY_SECONDS = 86_400
UNDO_DAYS = 30
EXPIRED_DAYS = 30
"""How long what has expired can still be listed, and extended."""
PURGED_MAX = 500
"""Memories that one round of erasing takes: it holds the write lock."""
FORGOTTEN_BY_QUERY_MAX = 20
"""Whoever wants to forget more by one query is asked to look at each part of it."""

MEANT_SHARE_MIN = 0.75
"""Of the best score: whatever is below it is related to what the query names, and is not it."""
WOULD_FORGET_CHARS_MAX = 200
"""Of each memory that a query would forget: enough to recognise it."""


def forget(
    db: Connection,
    request: ForgetRequest,
    scope: Scope,
    *,
    embedder: "Embedder | None",
    now: float,
) -> ForgetReply:
    """Forget by ids or by query, or bring forgotten memories back.

    Raises:
        InvalidInput: Not exactly one of ids, query and undo was given, or the text of a memory to
            bring back was stored again in the meantime.
    """
    given = [name for name in ("ids", "query", "undo") if getattr(request, name)]
    if len(given) != 1:
        got = " and ".join(given) or "none"
        raise InvalidInput(f"forget_memory takes one of ids, query and undo; it got {got}.")
    ns = namespaces.find(db, scope.namespace)
    if ns is None:
        return _nothing_there(db, request, scope)
    if request.undo:
        return _undo(db, ns, request.undo, scope, embedder, now)
    if request.query:
        return _forget_found(db, ns, request, scope, embedder, now)
    return _forget_ids(db, ns, request.ids, scope, now)


def _nothing_there(db: Connection, request: ForgetRequest, scope: Scope) -> ForgetReply:
    there = namespaces.with_known(db, scope)
    return ForgetReply(missing=(*request.ids, *request.undo), scope=there)


def _forget_ids(
    db: Connection,
    ns: int,
    uids: Sequence[str],
    scope: Scope,
    now: float,
) -> ForgetReply:
    uids = tuple(dict.fromkeys(uids))
    keys = memories.keys_of(db, uids, [ns])
    missing = tuple(uid for uid in uids if uid not in keys)
    if not keys:
        return ForgetReply(missing=missing, scope=scope)
    gone = versions.with_older(db, list(keys.values()))
    forgotten = tuple(record.uid for record in memories.records(db, gone))
    _forget(db, ns, gone, now)
    return ForgetReply(
        forgotten=forgotten,
        missing=missing,
        undo_until=moment(now + UNDO_DAYS * DAY_SECONDS),
        scope=scope,
    )


def _forget(db: Connection, ns: int, keys: Sequence[int], now: float) -> None:
    versions.forget(db, keys, now)
    vectors.withdraw(db, keys)
    namespaces.touch(db, ns, AREA)


def _forget_found(
    db: Connection,
    ns: int,
    request: ForgetRequest,
    scope: Scope,
    embedder: "Embedder | None",
    now: float,
) -> ForgetReply:
    alone = scope.model_copy(update={"also": ()})  # forgetting never reaches beyond the namespace
    found = found_by(
        db, request.query, alone, embedder=embedder, now=now, limit=FORGOTTEN_BY_QUERY_MAX
    )
    meant = _meant(found)
    if request.confirm:
        return _forget_ids(db, ns, [memory.id for memory in meant], scope, now)
    asked = analysed(request.query).stems
    told = tuple(excerpt(memory, asked, WOULD_FORGET_CHARS_MAX) for memory in meant)
    return ForgetReply(would_forget=told, scope=scope)


def _meant(found: Sequence[Memory]) -> list[Memory]:
    """Return what was found best: recall may end in loose hits, forgetting must not reach them."""
    best = max((memory.score or 0.0 for memory in found), default=0.0)
    return [memory for memory in found if (memory.score or 0.0) >= MEANT_SHARE_MIN * best]


def _undo(
    db: Connection,
    ns: int,
    uids: Sequence[str],
    scope: Scope,
    embedder: "Embedder | None",
    now: float,
) -> ForgetReply:
    uids = tuple(dict.fromkeys(uids))
    found = versions.forgotten(db, ns, uids, now - UNDO_DAYS * DAY_SECONDS)
    _check_not_stored_again(db, ns, found, now)
    back = sorted({key for memory in found for key in versions.forgotten_with(db, memory)})
    versions.restore(db, back)
    index_missing(db, ns, back)
    embed(db, ns, back, embedder)
    if back:
        namespaces.touch(db, ns, AREA)
    known = {memory.uid for memory in found}
    return ForgetReply(
        restored=tuple(record.uid for record in memories.records(db, back)),
        missing=tuple(uid for uid in uids if uid not in known),
        scope=scope,
    )


def _check_not_stored_again(
    db: Connection, ns: int, found: Sequence[versions.Forgotten], now: float
) -> None:
    back: dict[bytes, str] = {}
    for memory in found:
        stored = memories.same_text(db, ns, memory.content_hash, now)
        again = stored[1] if stored else back.setdefault(memory.content_hash, memory.uid)
        if again != memory.uid:
            raise InvalidInput(
                f"The text of {memory.uid!r} was stored again as {again!r}, so that nothing was "
                f"brought back. Leave {memory.uid!r} out."
            )


def index_missing(db: Connection, ns: int, keys: Sequence[int]) -> None:
    """Index those that were forgotten when all others were indexed anew."""
    from tmws_mcp.memory.search import index  # noqa: PLC0415 - it imports numpy

    known = {entry.memory for entry in forward.entries(db, keys)}
    index.add(db, ns, threads.turns(db, [key for key in keys if key not in known]))


def embed(db: Connection, ns: int, keys: Sequence[int], embedder: "Embedder | None") -> None:
    """Make the vectors of those memories that are current."""
    from tmws_mcp.memory.search import meaning  # noqa: PLC0415 - it imports numpy

    meaning.embed(db, ns, [turn for turn in threads.turns(db, keys) if turn.current], embedder)


def purge(db: Connection, now: float) -> int:
    """Erase what was forgotten more than UNDO_DAYS ago, or expired more than EXPIRED_DAYS ago.

    Returns how many memories. The write-ahead log may hold their bytes until Database.empty_log().
    """
    from tmws_mcp.memory.search import index  # noqa: PLC0415 - it imports numpy

    before = now - UNDO_DAYS * DAY_SECONDS
    _forget_lapsed(db, now - EXPIRED_DAYS * DAY_SECONDS, forgotten_at=before - 1)
    due = versions.due(db, before, PURGED_MAX, with_vectors=vectors.available(db))
    if not due:
        return 0
    if vectors.available(db):
        vectors.remove_everywhere(db, [key for key, _ in due])
    for ns, keys in _by_namespace(due).items():
        index.remove(db, ns, keys)
        vectors.erase_sketches(db, ns, keys)
        namespaces.touch(db, ns, AREA)
    versions.erase(db, [key for key, _ in due])
    return len(due)


def _forget_lapsed(db: Connection, before: float, *, forgotten_at: float) -> None:
    """Forget what expired before then, as long ago as it takes to be erased at once."""
    for ns, keys in _by_namespace(versions.lapsed(db, before, PURGED_MAX)).items():
        # An older version alone leaves the chain; the newest takes what stands behind it along.
        gone = {*keys, *versions.with_older(db, versions.head_of(db, keys))}
        _forget(db, ns, sorted(gone), forgotten_at)


def _by_namespace(due: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    keys: dict[int, list[int]] = {}
    for key, ns in due:
        keys.setdefault(ns, []).append(key)
    return keys
