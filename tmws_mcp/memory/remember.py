"""Remembering: a fact is stored once, linked to what says nearly the same, and found at once.

Only exact duplicates merge. A near duplicate is often the one that matters (the port is 8080, not
8081), so that it is stored and linked, never refused.
"""

import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from tmws_mcp.errors import InvalidInput
from tmws_mcp.memory.upkeep import echo
from tmws_mcp.memory.upkeep.near import near_duplicates
from tmws_mcp.memory.upkeep.quota import UNLIMITED, Limits
from tmws_mcp.memory.upkeep.quota import check as check_quota
from tmws_mcp.model import Origin, Scope, Similar, StoreReply, StoreRequest, Trust
from tmws_mcp.store import archives, memories, namespaces, origins, threads, vectors, versions
from tmws_mcp.store.driver import Connection

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder

AREA = "memory"
"""Its generation moves with every write."""

# Lower case without the letters and digits that look alike (i l o 0 1): people read ids aloud, and
# models copy them. 31^10 is 8e14.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
UID_CHARS = 10
LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
"""A fraction of a second later is rounded to the year 10000, which cannot be shown."""
UID_TRIES = 8
STORED_AT_ONCE = 200
"""What indexing has made of their texts is still at hand when they are embedded."""
UID_SHOWN_MAX = 64

AGENT = Origin()


def nothing_shown(_: bytes) -> None:
    """Know nothing of what was shown."""


def remember(
    db: Connection,
    request: StoreRequest,
    scope: Scope,
    *,
    embedder: "Embedder | None",
    judge: "Embedder | None" = None,
    now: float,
    origin: Origin = AGENT,
    was_shown: echo.Known = nothing_shown,
    limits: Limits = UNLIMITED,
) -> StoreReply:
    """Store a memory, or return the one that says exactly the same.

    `was_shown` knows what recall has shown lately: text that consists of it is not stored again.
    `judge` tells near duplicates where the embedder is another one, or too slow to ask here.

    Raises:
        InvalidInput: The content is blank, has expired already, or supersedes what it cannot.
        QuotaReached: The namespace or the store is full.
    """
    told = Told(now=now, origin=origin, was_shown=was_shown, limits=limits, judge=judge)
    [reply] = remember_many(db, [(request, told)], scope, embedder=embedder)
    return reply


@dataclass(frozen=True, slots=True)
class Told:
    """What a call says beyond the memory itself."""

    now: float
    """When it is stored."""
    origin: Origin = AGENT
    was_shown: echo.Known = nothing_shown
    limits: Limits = UNLIMITED
    judge: "Embedder | None" = None
    """Tells near duplicates where the embedder is another one, or too slow to ask here."""


def remember_many(
    db: Connection,
    told: Sequence[tuple[StoreRequest, Told]],
    scope: Scope,
    *,
    embedder: "Embedder | None",
) -> list[StoreReply]:
    """Store memories as `remember` does, in one go: their words and vectors are indexed together.

    Near duplicates are looked for among what was stored before, not within STORED_AT_ONCE.

    Raises:
        InvalidInput: One of them cannot be stored; the transaction must not be committed.
        QuotaReached: The namespace or the store is full; the same.
    """
    for request, call in told:
        _check(request, call.now)
    ns = namespaces.ensure(db, scope.namespace, max((call.now for _, call in told), default=0.0))
    replies: list[StoreReply] = []
    for begin in range(0, len(told), STORED_AT_ONCE):
        part = told[begin : begin + STORED_AT_ONCE]
        stored = [_stored(db, ns, one, scope, embedder, call) for one, call in part]
        _index(db, ns, [key for _, key in stored if key is not None], embedder)
        replies += [reply for reply, _ in stored]
    namespaces.touch(db, ns, AREA)
    return replies


def _stored(
    db: Connection,
    ns: int,
    request: StoreRequest,
    scope: Scope,
    embedder: "Embedder | None",
    told: Told,
) -> tuple[StoreReply, int | None]:
    """Store a memory, and return its key if it is new and has to be indexed."""
    if known := _known(db, ns, request, scope, told):
        return known, None
    replaced = _replaced(db, ns, request.supersedes)
    if replaced is None:
        check_quota(db, ns, told.limits)
    near = near_duplicates(db, ns, request.content, told.judge or embedder, now=told.now)
    similar = [one for one in near if one.id != replaced]
    persona = request.persona or scope.persona
    key, uid = _insert(db, ns, request, persona=persona, origin=told.origin, now=told.now)
    if replaced is not None:
        _supersede(db, replaced, key)
    memories.link(db, key, [(one.id, one.similarity) for one in similar])
    shown = tuple(Similar(id=one.uid, similarity=one.similarity) for one in similar)
    return StoreReply(id=uid, created=True, similar_to=shown, scope=scope), key


def _known(
    db: Connection,
    ns: int,
    request: StoreRequest,
    scope: Scope,
    told: Told,
) -> StoreReply | None:
    """Return the answer where the store says the same already."""
    first = memories.same_text(db, ns, text_hash(request.content), told.now)
    if first is not None:
        return _again(db, ns, first, request, scope)
    echoed = _echoed(db, request, scope, told.was_shown, told.now)
    return _repeated(db, echoed, request, scope) if echoed else None


def _trust(origin: Origin, request: StoreRequest) -> Trust:
    """Return whose word it is: what comes by an import is no better for what it says of itself."""
    return origin.trust if origin.trust == "import" else request.trust


def _echoed(
    db: Connection, request: StoreRequest, scope: Scope, was_shown: echo.Known, now: float
) -> list[memories.Record]:
    """Return the memories that the text consists of, if recall has shown each of them.

    Whoever names a thread, a time or an older version says something beyond the text.
    """
    if request.thread or request.occurred_at or request.supersedes:
        return []
    where = [namespaces.find(db, name) for name in (scope.namespace, *scope.also)]
    spaces = [ns for ns in where if ns is not None]
    framed = memories.keys_of(db, echo.framed(request.content), spaces)
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
        memories.extend_life(db, record.id, seconds(request.expires_at))
        if memories.add_tags(db, record.ns, record.id, _tags(request)):
            _index_again(db, record.ns, [record.id])
        namespaces.touch(db, record.ns, AREA)
    uids = tuple(record.uid for record in echoed)
    return StoreReply(id=uids[0], created=False, duplicate_of=uids[0], echo_of=uids, scope=scope)


def _check(request: StoreRequest, now: float) -> None:
    if _is_blank(request.content):
        raise InvalidInput("The content is blank. Give the fact to remember as text.")
    if request.expires_at is not None and request.expires_at.timestamp() <= now:
        raise InvalidInput(
            f"expires_at {request.expires_at.isoformat()} has passed, so that nobody could recall "
            "this memory. Give a later time, or none."
        )


def _is_blank(text: str) -> bool:
    """Tell whether a text shows nothing: spaces, controls, characters without width."""
    return all(unicodedata.category(char)[0] in "CZ" for char in text)


def text_hash(content: str) -> bytes:
    """Return the hash by which two texts count as the same.

    Composed and decomposed accents are the same, and so is any white space. Case is not: `Foo` and
    `foo` are two symbols, and storing one sentence twice costs less than losing one of them.
    """
    text = " ".join(unicodedata.normalize("NFC", content).split())
    return blake2b(text.encode(), digest_size=16).digest()


def seconds(when: datetime | None) -> float | None:
    """Return a time as seconds; "never" is often written as a time that no calendar goes beyond."""
    return None if when is None else min(when.timestamp(), LATEST)


def _again(
    db: Connection, ns: int, first: tuple[int, str], request: StoreRequest, scope: Scope
) -> StoreReply:
    """Answer with the memory that says the same, and add to it what this call says beyond it.

    What was acknowledged must be found: by its tags, and for as long as was asked.
    """
    key, uid = first
    replaced = _replaced(db, ns, request.supersedes)
    if replaced is not None and replaced != key:
        _supersede(db, replaced, key)
    memories.extend_life(db, key, seconds(request.expires_at))
    if memories.add_tags(db, ns, key, _tags(request)):
        _index_again(db, ns, [key])
    return StoreReply(id=uid, created=False, duplicate_of=uid, scope=scope)


def _replaced(db: Connection, ns: int, uid: str) -> int | None:
    """Return the memory that the new one supersedes.

    Raises:
        InvalidInput: It does not exist in this namespace, or was superseded before.
    """
    if not uid:
        return None
    key = memories.keys_of(db, [uid], [ns]).get(uid)
    if key is None:
        raise InvalidInput(
            f"supersedes names {uid[:UID_SHOWN_MAX]!r}, which this namespace does not hold, so "
            "that nothing was stored. Take the id from recall_memory, or leave supersedes out."
        )
    newer = versions.newer(db, key)
    if newer not in (None, uid):  # an archived memory stands for itself
        raise InvalidInput(
            f"Memory {uid!r} was superseded by {newer!r} before, so that nothing was stored. "
            f"Read {newer!r} with recall_memory, and supersede that one."
        )
    return key


def _supersede(db: Connection, older: int, newer: int) -> None:
    versions.supersede(db, older, newer)
    archives.release(db, [older])
    vectors.withdraw(db, [older])


def _index(db: Connection, ns: int, keys: Sequence[int], embedder: "Embedder | None") -> None:
    from tmws_mcp.memory.search import index, meaning  # noqa: PLC0415 - they import numpy

    if not keys:
        return
    turns = threads.turns(db, keys)
    index.add(db, ns, turns)
    meaning.embed(db, ns, turns, embedder)


def _index_again(db: Connection, ns: int, keys: Sequence[int]) -> None:
    from tmws_mcp.memory.search import index  # noqa: PLC0415 - it imports numpy

    index.again(db, ns, keys)


def _insert(
    db: Connection,
    ns: int,
    request: StoreRequest,
    *,
    persona: str | None,
    origin: Origin,
    now: float,
) -> tuple[int, str]:
    thread, position = threads.append(db, ns, request.thread) if request.thread else (None, None)
    uid = new_uid(db)
    new = memories.NewMemory(
        uid=uid,
        ns=ns,
        thread=thread,
        thread_position=position,
        kind=request.kind,
        importance=request.importance,
        persona=persona or None,
        speaker=request.speaker or None,
        source=request.source or None,
        occurred_at=seconds(request.occurred_at),
        expires_at=seconds(request.expires_at),
        created_at=now,
        asks=request.content.rstrip().endswith(("?", "？")),  # noqa: RUF001 - the full-width one
        content_hash=text_hash(request.content),
        content=request.content,
        tags=_tags(request),
        origin=origins.ensure(db, origin.model_copy(update={"trust": _trust(origin, request)})),
    )
    return memories.insert(db, new), uid


def _tags(request: StoreRequest) -> tuple[str, ...]:
    stripped = (" ".join(tag.split()) for tag in request.tags)
    return tuple(dict.fromkeys(tag for tag in stripped if tag))


def new_uid(db: Connection) -> str:
    """Return a public id that no memory has."""
    for _ in range(UID_TRIES):
        uid = "m" + "".join(secrets.choice(ALPHABET) for _ in range(UID_CHARS))
        if not memories.uid_taken(db, uid):
            return uid
    raise AssertionError("ids repeat: the source of randomness is broken")
