"""What a scope remembers, in counts and names: for statistics and for completions."""

from collections import Counter

from tmws_mcp.memory.reply.shown import moment, shown
from tmws_mcp.model import Memory, Scope
from tmws_mcp.model.memory import MemoryStatistics
from tmws_mcp.store import candidates, memories, namespaces, overview
from tmws_mcp.store.driver import Connection


def statistics(db: Connection, scope: Scope) -> MemoryStatistics:
    """Count what the namespaces of a scope hold."""
    keys = _namespaces(db, scope)
    counted = {name: overview.totals(db, ns) for name, ns in keys.items()}
    by_kind: Counter[str] = Counter()
    for ns in keys.values():
        by_kind.update(overview.kinds(db, ns))
    every = tuple(counted.values())
    oldest = [one.oldest for one in every if one.oldest is not None]
    newest = [one.newest for one in every if one.newest is not None]
    return MemoryStatistics(
        memories=sum(one.memories for one in every),
        by_kind=dict(by_kind),
        with_vectors=sum(one.with_vectors for one in every),
        superseded=sum(one.superseded for one in every),
        forgotten=sum(one.forgotten for one in every),
        threads=sum(one.threads for one in every),
        tags=sum(one.tags for one in every),
        oldest=moment(min(oldest)) if oldest else None,
        newest=moment(max(newest)) if newest else None,
        by_namespace={name: one.memories for name, one in counted.items()},
    )


def known_tags(db: Connection, scope: Scope, prefix: str, limit: int) -> tuple[str, ...]:
    """Return tags of the scope's namespaces that begin with a prefix, in order."""
    return tuple(overview.tags(db, [*_namespaces(db, scope).values()], prefix, limit))


def known_ids(db: Connection, scope: Scope, prefix: str, limit: int) -> tuple[str, ...]:
    """Return memory ids of the scope's namespaces that begin with a prefix, in order."""
    return tuple(overview.uids(db, [*_namespaces(db, scope).values()], prefix, limit))


def known_personas(db: Connection, scope: Scope, prefix: str, limit: int) -> tuple[str, ...]:
    """Return personas of the scope's namespaces that begin with a prefix, in order."""
    return tuple(overview.personas(db, [*_namespaces(db, scope).values()], prefix, limit))


def of_trust(db: Connection, trust: str, scope: Scope, limit: int) -> tuple[Memory, ...]:
    """Return the newest memories of the scope's own namespace that are of a trust level."""
    ns = namespaces.find(db, scope.namespace)
    keys = candidates.of_trust(db, ns, trust, limit) if ns is not None else []
    return tuple(shown(record) for record in memories.records(db, keys))


def _namespaces(db: Connection, scope: Scope) -> dict[str, int]:
    found = {name: namespaces.find(db, name) for name in (scope.namespace, *scope.also)}
    return {name: key for name, key in found.items() if key is not None}
