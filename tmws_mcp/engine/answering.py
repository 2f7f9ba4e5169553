"""One call that answers: catalogue, matcher, router, cache and execution in a row.

The packages that take part lie side by side and know nothing of each other; here the values pass
from one to the next. They are imported with the first query, since reading YAML and compiling
regular expressions is nothing that `initialize` should wait for.
"""

import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from tmws_mcp.actions.registry import Action
from tmws_mcp.cache.process import execution_key
from tmws_mcp.engine import levels
from tmws_mcp.engine.acting import Acting, acting_as
from tmws_mcp.engine.answers import Answers, Asked, Noted
from tmws_mcp.engine.book import Book, Books
from tmws_mcp.engine.callables import Callables
from tmws_mcp.engine.deciding import Deciding
from tmws_mcp.engine.encoder import Encoder
from tmws_mcp.engine.figures import Figures
from tmws_mcp.engine.ground import Ground, Grounds
from tmws_mcp.engine.matching import leaning
from tmws_mcp.engine.observing import observed
from tmws_mcp.engine.scoped import Scoped
from tmws_mcp.engine.watching import Given, Watching
from tmws_mcp.errors import (
    NothingRan,
    StoreError,
)
from tmws_mcp.measures import Sample
from tmws_mcp.model import (
    ExecuteReply,
    ExecuteRequest,
    Match,
    Scope,
)
from tmws_mcp.model.learned import Execution
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database

if TYPE_CHECKING:
    from tmws_mcp.model import Decision
    from tmws_mcp.patterns.definition import Pattern
    from tmws_mcp.patterns.parts import Parts


class Answering(Scoped):
    """Runs pattern_execute for the engine."""

    def __init__(
        self,
        settings: Settings,
        *,
        store: Callable[[], Awaitable[Database]],
        encoder: Encoder,
        clock: Callable[[], float],
        figures: Figures,
        parts: "Callable[[Mapping[str, Action]], Parts]",
        record: Callable[[Execution, Scope], Awaitable[None]],
        callables: Callables,
        books: Books,
        acting: Acting,
    ) -> None:
        self._record = record
        self._settings = settings
        self._clock = clock
        self._grounds = Grounds(store, clock=clock)
        self._answers = Answers(settings, store=store, encoder=encoder, clock=clock)
        self._book, self._callables, self._acting = books, callables, acting
        self._figures, self._store = figures, store
        self._deciding = Deciding(figures, runs=callables.can_run)
        self._count_caches(books)
        self.watching = Watching(settings, store=store, figures=figures, given=self.given)
        self._parts = parts

    def seen(
        self,
        settings: Settings,
        *,
        parts: "Callable[[Mapping[str, Action]], Parts]",
        callables: Callables,
    ) -> Self:
        """Return this part for a caller of narrower settings; what is kept for others is apart."""
        twin = self.within(settings)
        twin._parts, twin._callables = parts, callables  # noqa: SLF001 - it is of this very class
        return twin

    def _count_caches(self, books: Books) -> None:
        self._figures.caches |= {
            "answers": self._answers.counters,
            "routes": self._deciding.kept.counters,
            "matches": lambda: _matches(books.at_hand),
        }
        if self._answers.shared is not None:
            self._figures.caches["redis"] = self._answers.shared.counters

    async def execute(self, request: ExecuteRequest) -> ExecuteReply:
        """Answer a query by the cheapest way that will do.

        Raises:
            PatternNotFound: No pattern matches, and there is nothing to recall either.
            NothingRan: Not one step could be run.
        """
        started = time.perf_counter()
        scope = self._settings.scope(request.namespace)
        ground = await self._ground(scope)
        book = await self._book()
        await self._callables.installed()
        key = execution_key(request, scope, version=book.version, now=self._clock())
        if (
            isinstance(ground, Ground)
            and not request.dry_run
            and (reply := self._answers.at_hand(key, ground, started))
        ):
            self._figures.executed(request, reply)
            return reply
        return await self._execute(request, scope, book, ground, key)

    async def _execute(
        self,
        request: ExecuteRequest,
        scope: Scope,
        book: Book,
        ground: Ground | StoreError,
        key: Hashable,
    ) -> ExecuteReply:
        """Match, route and run; or give a kept answer that something was written after."""
        persona = await self._acting.persona(request)
        preferred = persona.patterns if persona else ()
        began = time.perf_counter()
        match = await book.match(request.query, preferred)
        took = time.perf_counter() - began
        self._figures.measures.time("match", took, by=match.matched_by)
        pattern, variant = book.chosen(match.pattern, request.query)
        if isinstance(ground, StoreError) and (not pattern or pattern.route != "infrastructure"):
            raise ground
        decision = await self._decide(request, match, pattern, book.version, ground)

        def run(noted: Noted) -> Awaitable[ExecuteReply]:
            return self._run(request, scope, pattern, match, decision, noted, variant)

        if request.dry_run:
            return await run(Noted())
        called = self._callables
        if pattern is None or not (match.final and called.cacheable(pattern)):
            return await self._counted(request, match.pattern, decision.route, run(Noted()))
        if isinstance(ground, StoreError):
            return await self._counted(request, pattern.id, decision.route, run(Noted()))
        needs, place = called.needs(pattern), called.place(pattern)
        asked = Asked(key, scope, ground, needs, pattern.id, pattern.cache_seconds, place)
        making = self._answers.get_or_make(asked, run)
        return await self._counted(request, pattern.id, decision.route, making)

    async def _counted(
        self,
        request: ExecuteRequest,
        pattern: str | None,
        route: str,
        running: Awaitable[ExecuteReply],
    ) -> ExecuteReply:
        started = time.perf_counter()
        try:
            reply = await running
        except NothingRan:
            self._figures.failed(pattern, route, (time.perf_counter() - started) * 1000)
            raise
        self._figures.executed(request, reply)
        return reply

    async def levels(self) -> list[Sample]:
        """Return how the caches of this process stand."""
        counters = {name: told() for name, told in self._figures.caches.items()}
        held = (await self.given()).held
        return [*levels.of_caches(counters, held), *levels.of_redis(self._answers.shared)]

    async def given(self) -> Given:
        """Return what the patterns say of themselves, and how full the caches are."""
        patterns = (await self._book()).catalog.patterns.values()
        return Given(
            budgets={one.id: one.budget.tokens for one in patterns},
            cached={one.id: one.cache_seconds for one in patterns},
            held={"answers": self._answers.kept.held(), "routes": self._deciding.kept.held()},
        )

    async def _ground(self, scope: Scope) -> Ground | StoreError:
        """Return what there is to recall, or why that cannot be told.

        Whoever asks for the health of a server whose store is broken must not get an error.
        """
        try:
            return await self._grounds.of(scope)
        except StoreError as error:
            return error

    async def _decide(
        self,
        request: ExecuteRequest,
        match: Match,
        pattern: "Pattern | None",
        version: str,
        ground: Ground | StoreError,
    ) -> "Decision":
        memories = 0
        if isinstance(ground, Ground):
            memories = ground.memories
            await self._figures.load(await self._store())
        return self._deciding.decide(
            request,
            pattern,
            version=version,
            memories=memories,
            leans=leaning(match),
            none=match.none,
        )

    async def close(self) -> None:
        """Close the connections to a shared cache."""
        await self._answers.close()

    async def _run(
        self,
        request: ExecuteRequest,
        scope: Scope,
        pattern: "Pattern | None",
        match: Match,
        decision: "Decision",
        noted: Noted,
        variant: str,
    ) -> ExecuteReply:
        from tmws_mcp.patterns.execute import execute  # noqa: PLC0415 - see above

        parts = self._parts(self._callables.actions)
        parts = replace(parts, recall=noted.noting(parts.recall))
        parts = acting_as(await self._acting.persona(request), parts)
        if pattern is None or request.dry_run:
            return await execute(pattern, match, decision, request, scope, parts)
        return await observed(
            pattern,
            scope,
            lambda: execute(pattern, match, decision, request, scope, parts),
            self._record,
            variant=variant,
        )


def _matches(book: Book | None) -> dict[str, int]:
    """Return how often a match was at hand, of the catalogue that is read now."""
    if book is None:
        return {}
    hits, misses, _ = book.matcher.kept()
    return {"hits": hits, "misses": misses}
