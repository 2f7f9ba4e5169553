"""Remembering: a fact is stored once, linked to what says nearly the same, and found at once.

Only exact duplicates merge. A near duplicate is often the one that matters (the port is 8080, not
8081), so that it is stored and linked, never refused.
"""

import secrets
import unicodedata
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from tmws_mcp.errors import InvalidInput
from tmws_mcp.memory import context
from tmws_mcp.memory.near import near_duplicates
from tmws_mcp.model import Scope, Similar, StoreReply, StoreRequest
from tmws_mcp.store import lexical, memories, namespaces, threads, versions
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
UID_SHOWN_MAX = 64


def remember(
    db: Connection,
    request: StoreRequest,
    scope: Scope,
    *,
    embedder: "Embedder | None",
    judge: "Embedder | None" = None,
    now: float,
) -> StoreReply:
    """Store a memory, or return the one that says exactly the same.

    `judge` tells near duplicates where the embedder is another one, or too slow to ask here.

    Raises:
        InvalidInput: The content is blank, has expired already, or supersedes what it cannot.
    """
    _check(request, now)
    ns = namespaces.ensure(db, scope.namespace, now)
    lexical.ensure(db, ns)
    digest = text_hash(request.content)
    first = memories.same_text(db, ns, digest, now)
    if first is not None:
        return _again(db, ns, first, request, scope)
    replaced = _replaced(db, ns, request.supersedes)
    near = near_duplicates(db, ns, request.content, judge or embedder, now=now)
    similar = [one for one in near if one.id != replaced]
    key, uid = _insert(db, ns, request, digest, persona=request.persona or scope.persona, now=now)
    if replaced is not None:
        _supersede(db, ns, replaced, key)
    memories.link(db, key, [(one.id, one.similarity) for one in similar])
    context.index(db, ns, [key], embedder)
    context.index_words(db, ns, sorted(context.neighbours(db, [key]).near))
    namespaces.touch(db, ns, AREA)
    shown = tuple(Similar(id=one.uid, similarity=one.similarity) for one in similar)
    return StoreReply(id=uid, created=True, similar_to=shown, scope=scope)


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


def _seconds(when: datetime | None) -> float | None:
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
        _supersede(db, ns, replaced, key)
    memories.extend_life(db, key, _seconds(request.expires_at))
    memories.add_tags(db, ns, key, _tags(request))
    context.index_words(db, ns, [key])
    namespaces.touch(db, ns, AREA)
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
    if newer is not None:
        raise InvalidInput(
            f"Memory {uid!r} was superseded by {newer!r} before, so that nothing was stored. "
            f"Read {newer!r} with recall_memory, and supersede that one."
        )
    return key


def _supersede(db: Connection, ns: int, older: int, newer: int) -> None:
    versions.supersede(db, older, newer)
    context.remove(db, ns, [older])


def _insert(
    db: Connection,
    ns: int,
    request: StoreRequest,
    digest: bytes,
    *,
    persona: str | None,
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
        occurred_at=_seconds(request.occurred_at),
        expires_at=_seconds(request.expires_at),
        created_at=now,
        asks=request.content.rstrip().endswith(("?", "？")),  # noqa: RUF001 - the full-width one
        content_hash=digest,
        content=request.content,
        tags=_tags(request),
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
