"""Forgetting, bringing back, erasing.

What is forgotten leaves every index in the same transaction, its neighbours' windows and vectors
too. For UNDO_DAYS its row stays and can be brought back; then the bytes go.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tmws_mcp.errors import InvalidInput
from tmws_mcp.memory import context
from tmws_mcp.memory.budget import excerpt
from tmws_mcp.memory.recall import found_by
from tmws_mcp.memory.remember import AREA
from tmws_mcp.memory.shown import moment
from tmws_mcp.memory.words import analysed
from tmws_mcp.model import ForgetReply, ForgetRequest, Memory, Scope
from tmws_mcp.store import lexical, memories, namespaces, vectors, versions
from tmws_mcp.store.driver import Connection

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder

DAY_SECONDS = 86_400
UNDO_DAYS = 30
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
    return _forget_ids(db, ns, request.ids, scope, embedder, now)


def _nothing_there(db: Connection, request: ForgetRequest, scope: Scope) -> ForgetReply:
    known = namespaces.names(db)[: namespaces.KNOWN_SHOWN_MAX]
    return ForgetReply(
        missing=(*request.ids, *request.undo), scope=scope.model_copy(update={"known": known})
    )


def _forget_ids(
    db: Connection,
    ns: int,
    uids: Sequence[str],
    scope: Scope,
    embedder: "Embedder | None",
    now: float,
) -> ForgetReply:
    uids = tuple(dict.fromkeys(uids))
    keys = memories.keys_of(db, uids, [ns])
    missing = tuple(uid for uid in uids if uid not in keys)
    if not keys:
        return ForgetReply(missing=missing, scope=scope)
    gone = versions.with_older(db, list(keys.values()))
    forgotten = tuple(record.uid for record in memories.records(db, gone))
    _forget(db, ns, gone, embedder, now)
    return ForgetReply(
        forgotten=forgotten,
        missing=missing,
        undo_until=moment(now + UNDO_DAYS * DAY_SECONDS),
        scope=scope,
    )


def _forget(
    db: Connection, ns: int, keys: Sequence[int], embedder: "Embedder | None", now: float
) -> None:
    touched = context.neighbours(db, keys)
    versions.forget(db, keys, now)
    context.remove(db, ns, keys)
    _index_neighbours(db, ns, touched, embedder)
    namespaces.touch(db, ns, AREA)


def _index_neighbours(
    db: Connection, ns: int, touched: context.Neighbours, embedder: "Embedder | None"
) -> None:
    context.index(db, ns, sorted(touched.following), embedder)
    context.index_words(db, ns, sorted(touched.near - touched.following))


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
        return _forget_ids(db, ns, [memory.id for memory in meant], scope, embedder, now)
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
    lexical.ensure(db, ns)
    context.index(db, ns, back, embedder)
    _index_neighbours(db, ns, context.neighbours(db, back), embedder)
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


def purge(db: Connection, now: float) -> int:
    """Erase what was forgotten more than UNDO_DAYS ago; return how many memories.

    The write-ahead log may hold their bytes until Database.empty_log().
    """
    before = now - UNDO_DAYS * DAY_SECONDS
    due = versions.due(db, before, PURGED_MAX, with_vectors=vectors.available(db))
    if not due:
        return 0
    if vectors.available(db):
        vectors.remove_everywhere(db, [key for key, _ in due])
    versions.erase(db, [key for key, _ in due])
    for ns in {ns for _, ns in due}:
        lexical.compact(db, ns)
        namespaces.touch(db, ns, AREA)
    return len(due)
