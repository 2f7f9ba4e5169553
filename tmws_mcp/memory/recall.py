"""Recalling: by query, newest first, or by ids; within a token budget, and on from a cursor.

One synchronous function on one snapshot of the store. Every reply says where it looked, how it
looked, how much it left out and how to get that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING

from tmws_mcp.errors import NotFound
from tmws_mcp.memory import cursor
from tmws_mcp.memory.budget import beginning, fitting
from tmws_mcp.memory.call import Recall, prepared
from tmws_mcp.memory.cursor import Place
from tmws_mcp.memory.search import Hit, Probe, probe, search
from tmws_mcp.memory.shown import shown
from tmws_mcp.memory.text import block, recall_text
from tmws_mcp.model import Memory, RecallReply, RecallRequest, Scope
from tmws_mcp.model.memory import TOKEN_BUDGET_MAX
from tmws_mcp.store import memories, namespaces
from tmws_mcp.store.driver import Connection
from tmws_mcp.tokens import estimate_tokens

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder

NOTHING_RELEVANT = "Nothing stored here is about this. Try other words, or fewer filters."
NOTHING_STORED = "Nothing is stored under these filters."
UNKNOWN_NAMESPACE = "Nothing was stored into this namespace yet."
WORDS_ALONE = "Searched by words alone, paraphrases may be missed; `tmws-mcp doctor` says why."
STORED_SINCE = "Memories were stored or forgotten since that cursor; some may repeat or be skipped."
FRAME_RESERVE_TOKENS = 24
"""For the lines around the blocks that are not known before they are filled."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of what was found: what follows the cursor."""

    memories: list[Memory]
    total: int
    """Found, without what the cursor has passed."""
    place: Place
    """Where this part begins."""


def recall(
    db: Connection,
    request: RecallRequest,
    scope: Scope,
    *,
    embedder: "Embedder | None",
    note: str = "",
    now: float,
) -> RecallReply:
    """Return what the namespaces of the scope hold that answers the request.

    `note` is what the reply to a query must say of vectors that are still to come.

    Raises:
        InvalidInput: The cursor does not belong to this call.
    """
    call = prepared(db, request, scope, embedder, now)
    if request.ids:
        return _read(db, call)
    if request.query.strip():
        return _ranked(db, call, probe(db, request.query, embedder), note)
    return _newest(db, call)


def _place(call: Recall, kind: cursor.Kind) -> Place:
    if not call.request.cursor:
        return Place(kind, 0, 0)
    return cursor.read(call.request.cursor, kind, call.store, call.bound)


# By query


def _ranked(db: Connection, call: Recall, what: Probe, note: str) -> RecallReply:
    place = _place(call, "ranked")
    hits = _hits(db, call, what)
    rest = hits[place.shown :]
    part = Part(_shown(db, rest[: call.request.limit]), len(rest), place)
    notes = _notes(call, empty=NOTHING_RELEVANT if not hits else "")
    if note and call.tier == "hybrid":
        notes.append(note)
    if call.request.cursor and place.number != call.generation:
        notes.append(STORED_SINCE)
    return _filled(call, part, what.query.stems, notes)


def _hits(db: Connection, call: Recall, what: Probe) -> list[Hit]:
    by_namespace = [search(db, ns, what, call.chosen) for ns in call.where]
    found = merge(*by_namespace, key=lambda hit: -hit.score)
    least = call.request.min_score or 0.0
    return [hit for hit in found if hit.score >= least]


def _shown(db: Connection, hits: Sequence[Hit]) -> list[Memory]:
    found = memories.records(db, [hit.id for hit in hits])
    return [
        shown(record, score=hit.score, matched=hit.matched)
        for record, hit in zip(found, hits, strict=True)
    ]


def found_by(
    db: Connection,
    query: str,
    scope: Scope,
    *,
    embedder: "Embedder | None",
    now: float,
    limit: int,
) -> tuple[Memory, ...]:
    """Return the best memories for a query, whatever their length."""
    call = prepared(db, RecallRequest(query=query), scope, embedder, now)
    return tuple(_shown(db, _hits(db, call, probe(db, query, embedder))[:limit]))


# Newest first


def _newest(db: Connection, call: Recall) -> RecallReply:
    place = _place(call, "newest")
    limit = call.request.limit
    listed = merge(
        *(memories.newest(db, ns, call.chosen, place.number, limit) for ns in call.where),
        reverse=True,
    )
    keys = [key for _, key in islice(listed, limit)]
    total = sum(memories.count(db, ns, call.chosen, place.number) for ns in call.where)
    part = Part([shown(record) for record in memories.records(db, keys)], total, place)
    return _filled(call, part, (), _notes(call, empty=NOTHING_STORED if not keys else ""), keys)


def _notes(call: Recall, *, empty: str) -> list[str]:
    notes = []
    if call.scope.known is not None:
        notes.append(UNKNOWN_NAMESPACE)
    elif empty:
        notes.append(empty)
    if call.tier == "lexical" and call.request.query.strip():
        notes.append(WORDS_ALONE)
    return notes


def _filled(
    call: Recall,
    part: Part,
    asked: Sequence[str],
    notes: Sequence[str],
    keys: Sequence[int] = (),
) -> RecallReply:
    """Return the reply that shows as much of a part as its budget allows."""
    frame = estimate_tokens(recall_text(_reply(call, (), part.total, notes))) + FRAME_RESERVE_TOKENS
    kept = fitting(part.memories, asked, call.request.token_budget - frame)
    while True:
        omitted = max(part.total - len(kept), 0)
        place = _next(call, part.place, kept, keys) if omitted and kept else None
        reply = _reply(call, kept, omitted, notes, place)
        if reply.tokens <= call.request.token_budget or len(kept) <= 1:
            return reply
        kept.pop()


def _next(call: Recall, place: Place, kept: Sequence[Memory], keys: Sequence[int]) -> Place:
    number = keys[len(kept) - 1] if place.kind == "newest" else call.generation
    return Place(place.kind, place.shown + len(kept), number)


def _reply(
    call: Recall,
    kept: Sequence[Memory],
    omitted: int,
    notes: Sequence[str],
    place: Place | None = None,
    missing: Sequence[str] = (),
) -> RecallReply:
    reply = RecallReply.model_construct(
        memories=tuple(kept),
        tokens=0,
        omitted=omitted,
        cursor=cursor.written(place, call.store, call.bound) if place else None,
        tier=call.tier,
        note=" ".join(notes) or None,
        missing=tuple(missing),
        scope=call.scope,
    )
    return reply.model_copy(update={"tokens": estimate_tokens(recall_text(reply))})


# By ids


def _read(db: Connection, call: Recall) -> RecallReply:
    """Return memories in full, in the order asked; what does not fit follows by the cursor."""
    asked = tuple(dict.fromkeys(call.request.ids))
    keys = memories.keys_of(db, asked, call.where)
    missing = [uid for uid in asked if uid not in keys]
    found = [
        shown(one) for one in memories.records(db, [keys[uid] for uid in asked if uid in keys])
    ]
    place = _place(call, "ids")
    frame = estimate_tokens(recall_text(_reply(call, (), len(found), (), place, missing)))
    kept, after = _in_full(found, place, TOKEN_BUDGET_MAX - frame - FRAME_RESERVE_TOKENS)
    left = len(found) - place.shown - len(kept) + (1 if after.number else 0)
    return _reply(call, kept, left, (), after if left else None, missing)


def _in_full(found: Sequence[Memory], place: Place, room: int) -> tuple[list[Memory], Place]:
    kept: list[Memory] = []
    skip = place.number
    for index in range(place.shown, len(found)):
        part = beginning(found[index], skip, room)
        end = skip + len(part.content)
        if end < len(found[index].content):
            if kept:
                return kept, Place("ids", index, 0)
            return [part], Place("ids", index, end)
        kept.append(part)
        room -= estimate_tokens(block(part))
        skip = 0
    return kept, Place("ids", len(found), 0)


def memory_by_id(db: Connection, uid: str, scope: Scope) -> Memory:
    """Return a memory of the scope's namespaces in full.

    Raises:
        NotFound: They hold none of that id, or it is forgotten.
    """
    found = (namespaces.find(db, name) for name in (scope.namespace, *scope.also))
    keys = memories.keys_of(db, [uid], [ns for ns in found if ns is not None])
    if not keys:
        remedy = "recall_memory gives the ids that exist, and reads one of another namespace."
        raise NotFound("memory", uid, remedy=remedy)
    return shown(memories.records(db, list(keys.values()))[0])
