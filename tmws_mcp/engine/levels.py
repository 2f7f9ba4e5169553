"""How things stand at the moment: queues, caches, the store, Redis and other instances.

`of_process` is about this process alone and asks nobody; `of_store` is the same whichever process
of a store tells it.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

import anyio

from tmws_mcp.cache.redis_layer import RedisLayer
from tmws_mcp.embedding.embedder import Embedder
from tmws_mcp.engine import report
from tmws_mcp.engine.opening import Opening
from tmws_mcp.measures import Sample
from tmws_mcp.model.federation import FederationReport
from tmws_mcp.model.figures import Insight, PatternFigures
from tmws_mcp.store import embedders
from tmws_mcp.store.database import Database

HUB_SECONDS_MAX = 2.0
"""Who asks for figures must not wait for a Redis that does not answer."""


def of_caches(
    counters: Mapping[str, Mapping[str, int]], held: Mapping[str, Mapping[str, int]]
) -> Iterator[Sample]:
    """Give how each cache of a process has served, and how full it is."""
    for name, counts in counters.items():
        for what in ("hits", "misses"):
            yield Sample(f"cache_{what}", (("cache", name),), counts.get(what, 0))
    for name, kept in held.items():
        for what in ("entries", "bytes"):
            if what in kept:
                yield Sample(f"cache_{what}", (("cache", name),), kept[what])


def of_redis(shared: RedisLayer | None) -> Iterator[Sample]:
    """Give whether a process asks the Redis of shared answers, where there is one."""
    if shared is not None:
        yield Sample("redis_up", (("use", "answers"),), float(not shared.is_left_alone))


async def of_store(
    opening: Callable[[], Awaitable[Database]],
    *,
    embedder: Embedder | None,
    insight: Callable[[], Awaitable[Insight]],
    federation: Callable[[], Awaitable[FederationReport]],
) -> list[Sample]:
    """Return how a store stands; what cannot be told in time is left out."""
    store = await opening()
    done, wanted = await store.read(embedders.progress, embedder.id if embedder else "")
    found = [
        Sample("store_bytes", (), report.size(store.path)),
        Sample("vectors_missing", (), wanted - done if embedder else 0),
        *of_figures(await insight()),
    ]
    with anyio.move_on_after(HUB_SECONDS_MAX):
        found += of_federation(await federation())
    return found


def of_figures(insight: Insight) -> Iterator[Sample]:
    """Give the alerts, and how often who executed a pattern said that it helped."""
    for level in ("warning", "critical"):
        n = sum(alert.level == level for alert in insight.alerts)
        yield Sample("alerts", (("level", level),), n)
    judged, good = _judged(insight.patterns)
    yield Sample("routing_judged", (), judged)
    if judged:
        yield Sample("routing_accuracy", (), good / judged)


def _judged(patterns: Sequence[PatternFigures]) -> tuple[int, int]:
    """Return how many executions were judged, and how many of them well; routes share theirs."""
    by_pattern = {one.pattern: (one.judged, one.good) for one in patterns}
    return sum(n for n, _ in by_pattern.values()), sum(good for _, good in by_pattern.values())


def of_federation(report: FederationReport) -> Iterator[Sample]:
    """Give how far the instances that share are apart, in changes and in seconds."""
    for one in report.namespaces:
        labels = (("namespace", one.namespace),)
        known = [peer for peer in one.peers if peer.hub_vv is not None]  # the hub has answered
        yield Sample("redis_up", (("use", "federation"), *labels), float(bool(known)))
        yield Sample("federation_waiting", labels, one.waiting)
        behind = sum(max((peer.hub_vv or 0) - peer.vv, 0) for peer in known if not peer.own)
        yield Sample("federation_behind", labels, behind)
        lags = [peer.lag_seconds for peer in one.peers if peer.lag_seconds is not None]
        yield Sample("federation_lag_seconds", labels, max(lags, default=0.0))
        yield Sample("federation_peers", labels, len(one.peers))
        yield Sample("federation_apart", labels, sum(peer.same is False for peer in one.peers))
        yield Sample("federation_slots", labels, sum(peer.slots for peer in one.peers))
        yield Sample("federation_bytes", labels, sum(peer.bytes for peer in one.peers))
        for whose, rows in (("own", one.own_evidence), ("others", one.foreign_evidence)):
            yield Sample("federation_evidence", (*labels, ("whose", whose)), rows)


def of_process(store: Opening, *, feed: int) -> list[Sample]:
    """Return what this process has done since it began; `feed`: events that wait to be written."""
    figures, opened = store.figures, store.opened
    waiting = {"feed": feed, "figures": figures.waiting}
    return [
        *figures.measures.samples(),
        *(opened.use.measures.samples() if opened else ()),
        *(Sample("waiting", (("queue", name),), n) for name, n in waiting.items()),
    ]
