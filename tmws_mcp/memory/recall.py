"""Recalling: by query, newest first, or by ids; within a token budget, and on from a cursor.

One synchronous function on one snapshot of the store. Every reply says where it looked, how it
looked, how much it left out and how to get that.
"""

from collections.abc import Sequence
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING

from tmws_mcp.errors import NotFound
from tmws_mcp.memory.call import Recall, prepared
from tmws_mcp.memory.reply import cursor
from tmws_mcp.memory.reply.budget import beginning
from tmws_mcp.memory.reply.composing import Part, filled, folded, reply
from tmws_mcp.memory.reply.cursor import Place
from tmws_mcp.memory.reply.shown import shown
from tmws_mcp.memory.reply.text import block, recall_text
from tmws_mcp.model import Memory, RecallReply, RecallRequest, Scope
from tmws_mcp.model.memory import TOKEN_BUDGET_MAX, Explained, focus_of
from tmws_mcp.store import chains, memories, namespaces
from tmws_mcp.store.driver import Connection
from tmws_mcp.tokens import estimate_tokens

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder
    from tmws_mcp.memory.search.candidates import Probe
    from tmws_mcp.memory.search.search import Hit

NOTHING_RELEVANT = "Nothing stored here is about this. Try other words, or fewer filters."
NOTHING_STORED = "Nothing is stored under these filters."
UNKNOWN_NAMESPACE = "Nothing was stored into this namespace yet."
WORDS_ALONE = "Searched by words alone, paraphrases may be missed; `tmws-mcp doctor` says why."
BEING_INDEXED = "Up to {} memories are still being indexed; ask again soon."
STORED_SINCE = "Memories were stored or forgotten since that cursor; some may repeat or be skipped."
EXPLAINED_MAX = 20
EXPLAINED_CHARS_MAX = 120
FRAME_RESERVE_TOKENS = 24
"""For the line that says how to go on, which is not known before the memories are chosen."""


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
        return _ranked(db, call, _probe(db, request.query, embedder, now), note)
    return _newest(db, call)


def _place(call: Recall, kind: cursor.Kind) -> Place:
    if not call.request.cursor:
        return Place(kind, 0, 0)
    return cursor.read(call.request.cursor, kind, call.store, call.bound)


# By query


def _probe(db: Connection, query: str, embedder: "Embedder | None", now: float) -> "Probe":
    from tmws_mcp.memory.search.search import probe  # noqa: PLC0415 - imports numpy

    return probe(db, query, embedder, now)


def _ranked(db: Connection, call: Recall, what: "Probe", note: str) -> RecallReply:
    place = _place(call, "ranked")
    hits = _hits(db, call, what)
    rest = hits[place.shown :]
    near = _near(rest, focus_of(call.request))

    def read(begin: int, count: int) -> list[Memory]:
        return _shown(db, near[begin : begin + count])

    part = folded(read, call.request.limit, len(rest), place)
    notes = _notes(call, empty=NOTHING_RELEVANT if not hits else "")
    if note and call.tier == "hybrid":
        notes.append(note)
    if call.request.cursor and place.number != call.generation:
        notes.append(STORED_SINCE)
    return filled(call, part, what.query.stems, notes)


def _near(hits: "Sequence[Hit]", focus: float) -> "Sequence[Hit]":
    """Return the hits that have at least this share of the best one's score."""
    return [hit for hit in hits if hit.score >= focus * hits[0].score] if focus else hits


def _hits(db: Connection, call: Recall, what: "Probe") -> "list[Hit]":
    from tmws_mcp.memory.search.search import search  # noqa: PLC0415 - imports numpy

    by_namespace = [search(db, ns, what, call.chosen) for ns in call.where]
    found = merge(*by_namespace, key=lambda hit: -hit.score)
    least = call.request.min_score or 0.0
    return [hit for hit in found if hit.score >= least]


def _shown(db: Connection, hits: "Sequence[Hit]") -> list[Memory]:
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
    return tuple(_shown(db, _hits(db, call, _probe(db, query, embedder, now))[:limit]))


def explained(
    db: Connection,
    request: RecallRequest,
    scope: Scope,
    *,
    embedder: "Embedder | None",
    now: float,
) -> tuple[Explained, ...]:
    """Return the best memories for a query, with what each signal added to their places."""
    call = prepared(db, request, scope, embedder, now)
    hits = _hits(db, call, _probe(db, request.query, embedder, now))[:EXPLAINED_MAX]
    found = memories.records(db, [hit.id for hit in hits])
    return tuple(
        Explained(
            id=record.uid,
            content=record.content[:EXPLAINED_CHARS_MAX],
            score=hit.score,
            shares=dict(hit.shares),
            namespace=record.namespace,
        )
        for record, hit in zip(found, hits, strict=True)
    )


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
    part = Part([shown(record) for record in memories.records(db, keys)], total, place, keys)
    return filled(call, part, (), _notes(call, empty=NOTHING_STORED if not keys else ""))


def _notes(call: Recall, *, empty: str) -> list[str]:
    notes = []
    if call.scope.known is not None:
        notes.append(UNKNOWN_NAMESPACE)
    elif empty:
        notes.append(empty)
    if call.request.query.strip():
        notes += [WORDS_ALONE] if call.tier == "lexical" else []
        notes += [BEING_INDEXED.format(call.waiting)] if call.waiting else []
    return notes


# By ids


def _read(db: Connection, call: Recall) -> RecallReply:
    """Return memories in full, in the order asked; what does not fit follows by the cursor."""
    asked = tuple(dict.fromkeys(call.request.ids))
    keys = memories.keys_of(db, asked, call.where)
    missing = [uid for uid in asked if uid not in keys]
    found = [
        shown(one) for one in memories.records(db, [keys[uid] for uid in asked if uid in keys])
    ]
    if len(found) == 1:
        found = [_with_history(db, found[0], keys[found[0].id])]
    place = _place(call, "ids")
    frame = estimate_tokens(recall_text(reply(call, (), len(found), (), place, missing)))
    kept, after = _in_full(found, place, TOKEN_BUDGET_MAX - frame - FRAME_RESERVE_TOKENS)
    left = len(found) - place.shown - len(kept) + (1 if after.number else 0)
    return reply(call, kept, left, (), after if left else None, missing)


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
    [key] = keys.values()
    return _with_history(db, shown(memories.records(db, [key])[0]), key)


def _with_history(db: Connection, memory: Memory, key: int) -> Memory:
    """Add the ids of all versions, where there are others."""
    if not memory.versions and not memory.superseded_by:
        return memory
    return memory.model_copy(update={"history": tuple(chains.history(db, key))})
