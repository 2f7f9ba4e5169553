"""What the figures tell: read from the store, judged by the thresholds of the settings."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tmws_mcp.engine import insight
from tmws_mcp.engine.figures import Figures
from tmws_mcp.engine.insight import Thresholds
from tmws_mcp.errors import StoreError
from tmws_mcp.model.figures import CacheFigures, ConnectionFigures, Insight
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database

DAYS = 7


@dataclass(frozen=True, slots=True)
class Given:
    """What the authored patterns say of themselves."""

    budgets: Mapping[str, int]
    """Tokens, by pattern."""
    cached: Mapping[str, int]
    """Seconds, by pattern."""
    held: Mapping[str, Mapping[str, int]]
    """Entries and bytes of each cache of this process, and for how many there is room."""


class Watching:
    """The part of the engine that looks at its own figures."""

    def __init__(
        self,
        settings: Settings,
        *,
        store: Callable[[], Awaitable[Database]],
        figures: Figures,
        given: Callable[[], Awaitable[Given]],
    ) -> None:
        self._settings, self._store = settings, store
        self._figures, self._given = figures, given

    async def insight(self) -> Insight:
        """Return the figures of the last week, and what they say.

        Raises:
            StoreError: The store cannot be read.
        """
        store, today, given = await self._store(), self._figures.today, await self._given()
        now = await self._figures.period(store, today - DAYS + 1, today)
        before = await self._figures.period(store, today - 2 * DAYS + 1, today - DAYS)
        patterns = insight.pattern_figures(now.counted)
        caches = tuple(_held(one, given) for one in insight.cache_figures(now.counted))
        connections = _connections(store)
        slower = self._figures.slowness.slower
        limits = self._limits()
        return Insight(
            days=DAYS,
            patterns=patterns,
            caches=caches,
            connections=connections,
            alerts=insight.alerts(patterns, caches, connections, slower, limits),
            suggestions=insight.suggestions(patterns, given.budgets, given.cached),
            trends=insight.trends(patterns, insight.pattern_figures(before.counted)),
        )

    async def alerts(self) -> tuple[str, ...]:
        """Return the alerts in words; none where the store cannot be read."""
        try:
            found = (await self.insight()).alerts
        except StoreError:
            return ()
        return tuple(f"{one.level}: {one.about}: {one.text}" for one in found)

    def _limits(self) -> Thresholds:
        settings = self._settings
        return Thresholds(
            p95_warning_ms=settings.alert_p95_warning_ms,
            p95_critical_ms=settings.alert_p95_critical_ms,
            hit_rate_warning=settings.alert_hit_rate_warning,
            hit_rate_critical=settings.alert_hit_rate_critical,
            failed_share=settings.alert_failed_share,
            connections_busy=settings.alert_connections_busy,
        )


def _held(one: CacheFigures, given: Given) -> CacheFigures:
    return one.model_copy(update={**given.held.get(one.name, {})})


def _connections(store: Database) -> ConnectionFigures:
    writer, readers = store.use.shares(store.readers.number)
    return ConnectionFigures(
        readers=store.readers.number,
        writer_busy=round(writer, 3),
        readers_busy=round(readers, 3),
        waited_ms_mean=round(1000 * store.use.waited / max(store.use.calls, 1), 2),
    )
