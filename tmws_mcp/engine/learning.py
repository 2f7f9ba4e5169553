"""What was done and what it teaches: observations, recommendations, learned patterns."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import anyio.to_thread

from tmws_mcp.engine import telling
from tmws_mcp.engine.executed import Executed
from tmws_mcp.engine.feed import Feed
from tmws_mcp.engine.once import Once
from tmws_mcp.engine.opening import Opening
from tmws_mcp.engine.scoped import Scoped
from tmws_mcp.learning import executions, installed, learned, pausing, sessions
from tmws_mcp.learning import recommend as recommending
from tmws_mcp.learning.view import Shelf
from tmws_mcp.model import (
    LearnedFilter,
    LearnedPattern,
    ObserveReply,
    ObserveRequest,
    RecommendReply,
    RecommendRequest,
    Scope,
)
from tmws_mcp.model.learned import Execution
from tmws_mcp.settings import Settings

T = TypeVar("T")


class Learning(Scoped):
    """Observes and recommends for the engine."""

    def __init__(
        self,
        settings: Settings,
        *,
        store: Opening,
        clock: Callable[[], float],
        observed: Callable[[], None],
        executed: Executed,
        feed: Feed,
    ) -> None:
        """`observed` is told of each observation that is durable."""
        self._settings, self._store, self._clock = settings, store, clock
        self._feed = feed
        self._observed, self._executed = observed, executed
        self._shelf = Shelf()
        self._experts = Once(partial(anyio.to_thread.run_sync, installed.experts))

    async def observe(self, asked: ObserveRequest, connection: str) -> ObserveReply:
        """Record what happened; it is durable when this returns."""
        store, scope = await self._store(), self._settings.scope(asked.namespace)
        shelf = self._shelf.for_one()
        work = await self._equipped(pausing.observe, connection, shelf)
        reply = await store.write(work, asked, scope)
        shelf.confirm()
        self._store.figures.observed(asked)
        self._observed()
        telling.observed(self._feed, asked, reply)
        return reply

    async def recommend(self, asked: RecommendRequest, connection: str) -> RecommendReply:
        """Say what has proved itself in a case like this, or why nothing can be said."""
        await self._executed.written()
        store, scope = await self._store(), self._settings.scope(asked.namespace)
        work = await self._equipped(recommending.recommend, connection, self._shelf)
        reply = await store.read(work, asked, scope)
        telling.recommended(self._feed, reply)
        return reply

    async def _equipped(
        self, work: Callable[..., T], connection: str, shelf: Shelf
    ) -> Callable[..., T]:
        """Return the work with what each call of the learning part is given."""
        return partial(
            work,
            connection=connection,
            now=self._clock(),
            shelf=shelf,
            experts=await self._experts(),
        )

    async def end_connection(self, connection: str) -> None:
        """Close the implicit session of a connection, if the store was used at all."""
        if store := self._store.opened:
            await store.write(sessions.end_connection, connection, self._clock())

    async def patterns(
        self, asked: LearnedFilter, namespace: str = ""
    ) -> tuple[LearnedPattern, ...]:
        """Return learned patterns, the newest first."""
        await self._executed.written()
        store, scope = await self._store(), self._settings.scope(namespace)
        return await store.read(learned.learned_patterns, scope, asked)

    async def pattern(self, name: str, namespace: str = "") -> LearnedPattern:
        """Return one learned pattern."""
        await self._executed.written()
        store, scope = await self._store(), self._settings.scope(namespace)
        return await store.read(learned.learned_pattern, name, scope)

    async def executions(self, pattern: str) -> str | None:
        """Say in words how the executions of an authored pattern went."""
        await self._executed.written()
        store = await self._store()
        return await store.read(executions.in_words, pattern, self._settings.scope())

    async def record(self, execution: Execution, scope: Scope) -> None:
        """Observe an execution, where the settings allow it."""
        if self._settings.observe_executions:
            await self._executed.put(execution, scope)
