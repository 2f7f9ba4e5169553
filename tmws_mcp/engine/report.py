"""What the server tells of itself: its health, and how much it holds."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue

from tmws_mcp import __version__
from tmws_mcp.errors import StoreError
from tmws_mcp.learning import drift, learned
from tmws_mcp.memory import lookup
from tmws_mcp.memory.upkeep import quota
from tmws_mcp.model import Scope, Statistics, Status
from tmws_mcp.model.figures import Insight
from tmws_mcp.settings import Settings
from tmws_mcp.store import embedders, migrations, namespaces
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection, library


async def status(
    settings: Settings,
    *,
    store: Callable[[], Awaitable[Database]],
    embedder: str | None,
    upstream: tuple[str, ...] | None,
    problems: tuple[str, ...],
    patterns: int,
    federation: str,
    alerts: tuple[str, ...],
    uptime_seconds: float,
    now: float,
) -> Status:
    """Return the state of the server; a store that cannot be opened is one of its problems."""
    seen = await _look(store, settings, embedder or "", now)
    problems, vectors = (seen.problem, *problems), seen.vectors
    return Status(
        version=__version__,
        ok=not any(problems),
        problems=tuple(filter(None, problems)),
        tier="hybrid" if vectors and embedder else "lexical",
        store=str(settings.db),
        library=str(library()),
        schema_version=seen.schema,
        vectors=vectors,
        embedder=embedder,
        vectors_missing=seen.vectors_missing if vectors and embedder else 0,
        patterns=patterns,
        namespaces=seen.namespaces,
        used=seen.used,
        federation=federation,
        alerts=alerts,
        upstream=upstream,
        regressions=seen.regressions,
        uptime_seconds=round(uptime_seconds, 1),
        scope=settings.scope(),
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look into the store shows."""

    problem: str = ""
    vectors: bool = False
    schema: int = 0
    namespaces: int = 0
    vectors_missing: int = 0
    used: tuple[str, ...] = ()
    regressions: tuple[str, ...] = ()


async def _look(
    store: Callable[[], Awaitable[Database]], settings: Settings, embedder: str, now: float
) -> Seen:
    """Look into the store, and see that it can be written."""
    try:
        opened = await store()
        seen = await opened.read(_seen, settings, embedder, now)
        await opened.write(_probe)
    except StoreError as error:
        return Seen(problem=str(error))
    return replace(seen, vectors=opened.vectors)


def _seen(db: Connection, settings: Settings, embedder: str, now: float) -> Seen:
    schema, spaces = _schema_and_namespaces(db)
    done, wanted = embedders.progress(db, embedder)
    scope = settings.scope()
    return Seen(
        schema=schema,
        namespaces=len(settings.namespaces) or spaces,
        vectors_missing=wanted - done,
        used=tuple(map(str, quota.use(db, scope.namespace, limits_of(settings)))),
        regressions=drift.regressions(db, scope, now),
    )


def limits_of(settings: Settings) -> quota.Limits:
    """Return how much the settings allow to be stored."""
    return quota.Limits(settings.memories_max, settings.store_bytes_max)


def retention_of(settings: Settings) -> dict[str, int]:
    """Return after how many days memories of a kind are archived; those that never are left out."""
    days = {
        "episodic": settings.retention_episodic_days,
        "semantic": settings.retention_semantic_days,
        "procedural": settings.retention_procedural_days,
    }
    return {kind: limit for kind, limit in days.items() if limit}


async def statistics(store: Database, scope: Scope, insight: Insight) -> Statistics:
    """Return how much is stored and learned in a scope, and what was executed."""
    return await store.read(_statistics, scope, insight, store.path)


def actions(
    status: Callable[[], Awaitable[Status]], statistics: Callable[[], Awaitable[Statistics]]
) -> dict[str, Callable[[], Awaitable[JsonValue]]]:
    """Return the actions by which a pattern tells of this server, as its caller sees it."""

    async def health() -> JsonValue:
        return (await status()).model_dump(mode="json", exclude={"scope"}, exclude_none=True)

    async def figures() -> JsonValue:
        return in_short(await statistics())

    return {"status.health": health, "statistics.all": figures}


def in_short(told: Statistics) -> JsonValue:
    """Return statistics for a reader who has little room: sums, alerts and suggestions."""
    shown = told.model_dump(mode="json", exclude={"scope", "insight"})
    said = told.insight
    if said.alerts:
        shown["alerts"] = [f"{one.about}: {one.text}" for one in said.alerts]
    if said.suggestions:
        shown["suggestions"] = list(said.suggestions)
    found: JsonValue = shown
    return found


def _sums(insight: Insight) -> dict[str, JsonValue]:
    by_route: Counter[str] = Counter()
    for one in insight.patterns:
        by_route[one.route] += one.runs
    kept = next((one for one in insight.caches if one.name == "answers"), None)
    return {
        "days": insight.days,
        "executed_by_route": dict(by_route),
        "kept": sum(one.kept for one in insight.patterns),
        "cache_entries": (kept.entries or 0) if kept else 0,
        "tokens_saved": sum(one.tokens_saved for one in insight.patterns),
    }


def _statistics(db: Connection, scope: Scope, insight: Insight, path: Path) -> Statistics:
    return Statistics(
        memory=lookup.statistics(db, scope).model_dump(mode="json"),
        learning=learned.statistics(db, scope).model_dump(mode="json"),
        patterns=_sums(insight),
        insight=insight,
        store_bytes=size(path),
        scope=scope,
    )


def size(path: Path) -> int:
    """Return the bytes of a store's files."""
    return sum(file.stat().st_size for file in _files(path))


def _files(path: Path) -> list[Path]:
    candidates = (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm"))
    return [file for file in candidates if file.exists()]


def _schema_and_namespaces(db: Connection) -> tuple[int, int]:
    return migrations.version(db), len(namespaces.names(db))


async def probe(store: Database) -> float:
    """Write to the store, and return how many seconds it took.

    Raises:
        StoreError: It cannot be written.
    """
    began = time.perf_counter()
    await store.write(_probe)
    return time.perf_counter() - began


def _probe(db: Connection) -> None:
    """Write something that changes nothing: a full or read-only disk shows here."""
    db.run("UPDATE meta SET value = value WHERE key = 'seq'")
