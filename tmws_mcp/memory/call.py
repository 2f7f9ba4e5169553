"""Where a recall looks, and what for: worked out once, before anything is searched."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tmws_mcp.memory.repeats import AREA
from tmws_mcp.model import RecallRequest, Scope, Tier
from tmws_mcp.store import actor, forward, memories, namespaces, vectors
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.selection import Filter

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder


@dataclass(frozen=True, slots=True)
class Recall:
    """A call, and where it looks."""

    request: RecallRequest
    scope: Scope
    """With the names that exist, where the one asked for does not."""
    where: tuple[int, ...]
    """Keys of the namespaces, the scope's own first."""
    chosen: Filter
    tier: Tier
    waiting: int
    """Memories that are not indexed yet, at most."""
    store: str
    """The store's own key, which binds cursors to it."""
    generation: int

    @property
    def bound(self) -> tuple[object, ...]:
        """Return what a cursor of this call is bound to."""
        unbound = {"cursor", "limit", "token_budget"}
        return (self.request.model_dump_json(exclude=unbound), self.scope.namespace, self.where)


def prepared(
    db: Connection,
    request: RecallRequest,
    scope: Scope,
    embedder: "Embedder | None",
    now: float,
) -> Recall:
    """Return where and how a request is answered."""
    own = namespaces.find(db, scope.namespace)
    # A name that the caller spelled out and that does not exist is a slip; what else could be
    # recalled would hide it. A project's own namespace is merely young.
    others = () if own is None and scope.source == "argument" else scope.also
    keys = (own, *(namespaces.find(db, name) for name in others))
    if own is None:
        scope = namespaces.with_known(db, scope)
    where = tuple(key for key in keys if key is not None)
    return Recall(
        request=request,
        scope=scope,
        where=where,
        chosen=_filter(request, now),
        tier=_tier(db, embedder, where),
        waiting=forward.backlog_size(db),
        store=actor.identity(db),
        generation=sum(namespaces.generation(db, ns, AREA) for ns in where),
    )


def _tier(db: Connection, embedder: "Embedder | None", where: Sequence[int]) -> Tier:
    if embedder is None or not vectors.available(db):
        return "lexical"
    if vectors.space(db, embedder.id, embedder.dimensions):
        return "hybrid"
    # No vector is of this embedder: either nothing is stored at all, or its vectors are to come.
    return "lexical" if any(memories.counted(db, ns, 1) for ns in where) else "hybrid"


def _filter(request: RecallRequest, now: float) -> Filter:
    return Filter(
        now=now,
        persona=request.persona,
        speaker=request.speaker,
        thread=request.thread,
        tags=_spelled(request.tags),
        tags_any=_spelled(request.tags_any),
        tags_none=_spelled(request.tags_none),
        kinds=request.kinds,
        min_importance=request.min_importance or None,
        since=request.since.timestamp() if request.since else None,
        until=request.until.timestamp() if request.until else None,
    )


def _spelled(tags: Sequence[str]) -> tuple[str, ...]:
    """Return tags as they are stored."""
    return tuple(" ".join(tag.split()) for tag in tags)
