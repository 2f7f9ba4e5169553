"""Remembering: a fact is stored once, linked to what says nearly the same, and found at once.

Only exact duplicates merge. A near duplicate is often the one that matters (the port is 8080, not
8081), so that it is stored and linked, never refused.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tmws_mcp.errors import InvalidInput
from tmws_mcp.memory import repeats, row
from tmws_mcp.memory.repeats import AREA
from tmws_mcp.memory.replacing import replaced, supersede
from tmws_mcp.memory.upkeep import echo
from tmws_mcp.memory.upkeep.near import Near, near_duplicates
from tmws_mcp.memory.upkeep.quota import UNLIMITED, Limits
from tmws_mcp.memory.upkeep.quota import check as check_quota
from tmws_mcp.model import Origin, Scope, Similar, StoreReply, StoreRequest
from tmws_mcp.store import memories, namespaces, threads
from tmws_mcp.store.driver import Connection

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder

STORED_AT_ONCE = 200
"""What indexing has made of their texts is still at hand when they are embedded."""
AGENT = Origin()


def remember(
    db: Connection,
    request: StoreRequest,
    scope: Scope,
    *,
    embedder: "Embedder | None",
    judge: "Embedder | None" = None,
    now: float,
    origin: Origin = AGENT,
    was_shown: echo.Known = echo.nothing_shown,
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
    was_shown: echo.Known = echo.nothing_shown
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

    Near duplicates are looked for among all that was stored before, those of the call included.

    Raises:
        InvalidInput: One of them cannot be stored; the transaction must not be committed.
        QuotaReached: The namespace or the store is full; the same.
    """
    for request, call in told:
        _check(request, call.now)
    ns = namespaces.ensure(db, scope.namespace, max((call.now for _, call in told), default=0.0))
    replies: list[StoreReply] = []
    for part in _parts(told):
        replies += _Part(db, ns, part, scope, embedder).stored()
    namespaces.touch(db, ns, AREA)
    return replies


def _parts(
    told: Sequence[tuple[StoreRequest, Told]],
) -> Iterator[Sequence[tuple[StoreRequest, Told]]]:
    """Divide a call: what is looked up for a part at once must hold until its end.

    A memory that supersedes another changes what the namespace says, and stands alone.
    """
    begin = 0
    for end, (request, _) in enumerate(told):
        if request.supersedes or end - begin == STORED_AT_ONCE:
            if end > begin:
                yield told[begin:end]
            begin = end
        if request.supersedes:
            yield told[end : end + 1]
            begin = end + 1
    if begin < len(told):
        yield told[begin:]


class _Part:
    """Memories that are stored together: what the store says of them is asked for once."""

    def __init__(
        self,
        db: Connection,
        ns: int,
        told: Sequence[tuple[StoreRequest, Told]],
        scope: Scope,
        embedder: "Embedder | None",
    ) -> None:
        self._db, self._ns, self._told, self._scope = db, ns, told, scope
        self._embedder, self._now = embedder, max(call.now for _, call in told)
        self._hashes = [row.text_hash(request.content) for request, _ in told]
        self._same = memories.same_texts(db, ns, self._hashes, self._now)
        self._uids = row.new_uids(db, len(told))
        self._near = self._near_duplicates()
        self._stored: dict[int, tuple[int, str]] = {}
        """Key and public id of each place, once it is stored or found to be there."""
        self._waiting: list[int] = []
        """Keys of what is stored and not indexed yet."""

    def stored(self) -> list[StoreReply]:
        """Store what is new, index it, and return what is said of each."""
        replies = [self._reply(place) for place in range(len(self._told))]
        self._index()
        return replies

    def _index(self) -> None:
        waiting, self._waiting = self._waiting, []
        _index(self._db, self._ns, waiting, self._embedder)

    def _near_duplicates(self) -> list[list[Near]]:
        judge = self._told[0][1].judge or self._embedder
        texts = [
            "" if digest in self._same else request.content
            for (request, _), digest in zip(self._told, self._hashes, strict=True)
        ]
        return near_duplicates(self._db, self._ns, texts, judge, now=self._now)

    def _reply(self, place: int) -> StoreReply:
        request, call = self._told[place]
        if first := self._same.get(self._hashes[place]):
            self._stored[place] = first
            if first[0] in self._waiting:  # a tag more changes what is indexed
                self._index()
            return repeats.again(self._db, self._ns, first, request, self._scope)
        shown = repeats.echoed(self._db, request, self._scope, call.was_shown, call.now)
        return shown or self._new(place, request, call)

    def _new(self, place: int, request: StoreRequest, call: Told) -> StoreReply:
        older = replaced(self._db, self._ns, request.supersedes)
        if older is None:
            check_quota(self._db, self._ns, call.limits)
        key, uid = self._insert(place, request, call)
        if older is not None:
            supersede(self._db, older, key)
        similar = self._link(key, place, older)
        return StoreReply(id=uid, created=True, similar_to=similar, scope=self._scope)

    def _insert(self, place: int, request: StoreRequest, call: Told) -> tuple[int, str]:
        key = row.insert(
            self._db,
            self._ns,
            request,
            uid=self._uids[place],
            content_hash=self._hashes[place],
            persona=request.persona or self._scope.persona,
            origin=row.origin_of(self._db, call.origin, request),
            now=call.now,
        )
        self._stored[place] = self._same[self._hashes[place]] = key, self._uids[place]
        self._waiting.append(key)
        return self._stored[place]

    def _link(self, key: int, place: int, older: int | None) -> tuple[Similar, ...]:
        """Link a memory to what says nearly the same, other than what it replaces."""
        found: dict[int, Similar] = {}
        for near in self._near[place]:
            other, uid = self._named(near)
            if other not in (0, key, older):
                found.setdefault(other, Similar(id=uid, similarity=near.similarity))
        memories.link(self._db, key, [(other, one.similarity) for other, one in found.items()])
        return tuple(found.values())

    def _named(self, near: Near) -> tuple[int, str]:
        """Return key and public id; of an earlier text of this part, which may be an echo, or 0."""
        if near.earlier is None:
            return near.id, near.uid
        return self._stored.get(near.earlier, (0, ""))


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


def _index(db: Connection, ns: int, keys: Sequence[int], embedder: "Embedder | None") -> None:
    from tmws_mcp.memory.search import index, meaning  # noqa: PLC0415 - they import numpy

    if not keys:
        return
    turns = threads.turns(db, keys)
    index.add(db, ns, turns)
    meaning.embed(db, ns, turns, embedder)
