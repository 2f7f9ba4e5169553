"""One call that answers: catalogue, matcher, router, cache and execution in a row.

The packages that take part lie side by side and know nothing of each other; here the values pass
from one to the next. They are imported with the first query, since reading YAML and compiling
regular expressions is nothing that `initialize` should wait for.
"""

import socket
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio.to_thread
from pydantic import JsonValue

from tmws_mcp.actions import fetch
from tmws_mcp.actions.installed import installed_actions
from tmws_mcp.actions.registry import ACTIONS, Action, Workspace
from tmws_mcp.cache.process import execution_key
from tmws_mcp.engine.acting import Acting, acting_as
from tmws_mcp.engine.answers import Answers, Asked, Needs, Noted
from tmws_mcp.engine.book import Book, Books
from tmws_mcp.engine.deciding import Deciding
from tmws_mcp.engine.encoder import Encoder
from tmws_mcp.engine.figures import Figures
from tmws_mcp.engine.ground import Ground, Grounds
from tmws_mcp.engine.matching import leaning
from tmws_mcp.engine.observing import observed
from tmws_mcp.engine.once import Once
from tmws_mcp.engine.watching import Given, Watching
from tmws_mcp.errors import (
    InvalidInput,
    NothingRan,
    PatternNotFound,
    RegexesUnavailable,
    StoreError,
)
from tmws_mcp.model import (
    ExecuteReply,
    ExecuteRequest,
    JsonObject,
    Match,
    PatternSummary,
    RegisterReply,
    RegisterRequest,
    Scope,
)
from tmws_mcp.model.learned import Execution
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database

if TYPE_CHECKING:
    from tmws_mcp.model import Decision
    from tmws_mcp.patterns.definition import Pattern
    from tmws_mcp.patterns.parts import Parts

EXAMPLES_SHOWN = 5
SHARED_ACTIONS = frozenset({fetch.NAME})
"""What they answer comes from elsewhere and not from this machine's files."""


class Answering:
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
        actions: Mapping[str, Callable[[], Awaitable[JsonValue]]],
        only_reads: Callable[[str], bool],
        books: Books,
    ) -> None:
        self._only_reads = only_reads
        self._record = record
        self._settings = settings
        self._clock = clock
        self._grounds = Grounds(store, clock=clock)
        self._answers = Answers(settings, store=store, encoder=encoder, clock=clock)
        self._book = books
        self._installed = Once(self._add_installed)
        self.acting = Acting(settings)
        self._figures, self._store = figures, store
        self._deciding = Deciding(figures, runs=self._can_run)
        self._count_caches(books)
        self.watching = Watching(settings, store=store, figures=figures, given=self.given)
        self._parts = parts
        self._own = frozenset(actions)
        self._actions = dict(ACTIONS) | {
            name: _bound(name, action) for name, action in actions.items()
        }
        self._actions[fetch.NAME] = fetch.http_get(settings.fetch_hosts)
        self._actions["patterns.list"] = Action(
            "patterns.list", "The authored patterns", self._list
        )
        self._actions["patterns.explain"] = Action(
            "patterns.explain", "One authored pattern in full", self._explain
        )

    async def _add_installed(self) -> None:
        """Add the actions of installed packages: looked for with the first query."""
        found = await anyio.to_thread.run_sync(installed_actions, frozenset(self._actions))
        self._actions = found | self._actions

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
        await self._installed()
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
        persona = await self.acting.persona(request)
        preferred = persona.patterns if persona else ()
        match = await book.match(request.query, preferred)
        pattern, variant = book.chosen(match.pattern, request.query)
        if isinstance(ground, StoreError) and (not pattern or pattern.route != "infrastructure"):
            raise ground
        decision = await self._decide(request, match, pattern, book.version, ground)

        def run(noted: Noted) -> Awaitable[ExecuteReply]:
            return self._run(request, scope, pattern, match, decision, noted, variant)

        if request.dry_run:
            return await run(Noted())
        if isinstance(ground, StoreError) or pattern is None or not self._cacheable(pattern):
            return await self._counted(request, match.pattern, decision.route, run(Noted()))
        needs, seconds = self._needs(pattern), pattern.cache_seconds
        asked = Asked(key, scope, ground, needs, pattern.id, seconds, self._place(pattern))
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

    async def register(self, request: RegisterRequest) -> RegisterReply:
        """Save a pattern given as an object; it can be matched at once."""
        if not self._settings.register_pattern:
            raise InvalidInput(
                "Registering patterns is switched off. Set TMWS_REGISTER_PATTERN=true to allow it, "
                "or put a file into a folder of TMWS_PATTERN_DIRS."
            )
        reply = await anyio.to_thread.run_sync(_register, request, self._settings)
        await self._book.read_again()
        return reply

    async def summaries(self) -> tuple[PatternSummary, ...]:
        """Return the patterns in a few lines each, in the order of their ids."""
        patterns = (await self._book()).catalog.patterns
        return tuple(_summary(patterns[name]) for name in sorted(patterns))

    async def summary(self, name: str) -> PatternSummary:
        """Return one pattern in a few lines.

        Raises:
            PatternNotFound: None has that id.
        """
        book = await self._book()
        if name not in book.catalog.patterns:
            raise PatternNotFound(name, closest=book.matcher.closest(name.replace(".", " ")))
        return _summary(book.catalog.patterns[name])

    async def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the files of patterns and personas."""
        try:
            book = await self._book()
        except RegexesUnavailable as error:
            return (str(error),)
        return (*map(str, book.catalog.problems), *await self.acting.problems())

    def add_action(self, action: Action) -> None:
        """Add an action for as long as this engine lives.

        Raises:
            InvalidInput: There is one of that name.
        """
        if action.name in self._actions:
            raise InvalidInput(f"There is an action {action.name!r} already; choose another name.")
        self._actions[action.name] = action

    async def given(self) -> Given:
        """Return what the patterns say of themselves, and how full the caches are."""
        patterns = (await self._book()).catalog.patterns.values()
        answers, routes = self._answers.kept, self._deciding.kept
        return Given(
            budgets={one.id: one.budget.tokens for one in patterns},
            cached={one.id: one.cache_seconds for one in patterns},
            held={"answers": (len(answers), answers.bytes), "routes": (len(routes), None)},
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
            request, pattern, version=version, memories=memories, leans=leaning(match)
        )

    def _can_run(self, pattern: "Pattern") -> bool:
        return all(name in self._actions for name in pattern.actions)

    def _cacheable(self, pattern: "Pattern") -> bool:
        """A pattern is kept if it says so and changes nothing."""
        actions = (self._actions.get(name) for name in pattern.actions)
        only_reads = all(action is not None and action.read_only for action in actions)
        changes = (
            pattern.stores or pattern.commands or not all(map(self._only_reads, pattern.calls))
        )
        return pattern.cache_seconds > 0 and not changes and only_reads

    def _needs(self, pattern: "Pattern") -> Needs:
        learned = any(hasattr(step, "recommend") for step in pattern.steps)
        own = self._own.intersection(pattern.actions)
        acts = bool(pattern.calls) or not self._own.issuperset(pattern.actions)
        return Needs(learned, everything=bool(own), acts=acts)

    def _place(self, pattern: "Pattern") -> str | None:
        """Return where an answer is the same for all: never one that shows what is remembered.

        What a server's tool or a site says depends on where it is asked from: this host, unless
        the settings say otherwise.
        """
        if len(pattern.calls) + len(SHARED_ACTIONS.intersection(pattern.actions)) < len(
            pattern.steps
        ):
            return None
        return self._settings.cache_place or socket.gethostname()

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

        parts = self._parts(self._actions)
        parts = replace(parts, recall=noted.noting(parts.recall))
        parts = acting_as(await self.acting.persona(request), parts)
        if pattern is None or request.dry_run:
            return await execute(pattern, match, decision, request, scope, parts)
        return await observed(
            pattern,
            scope,
            lambda: execute(pattern, match, decision, request, scope, parts),
            self._record,
            variant=variant,
        )

    async def _list(self, _arguments: JsonObject, _where: Workspace) -> JsonValue:
        return {item.id: item.summary for item in await self.summaries()}

    async def _explain(self, arguments: JsonObject, _where: Workspace) -> JsonValue:
        name = str(arguments.get("name", ""))
        # Its expressions tell a model nothing that the examples do not, and cost the most tokens.
        told = await self.summary(name)
        return told.model_dump(mode="json", exclude_defaults=True, exclude={"regex"})


def _matches(book: Book | None) -> dict[str, int]:
    """Return how often a match was at hand, of the catalogue that is read now."""
    if book is None:
        return {}
    hits, misses, _ = book.matcher.kept()
    return {"hits": hits, "misses": misses}


def _bound(name: str, action: Callable[[], Awaitable[JsonValue]]) -> Action:
    async def run(_arguments: JsonObject, _where: Workspace) -> JsonValue:
        return await action()

    return Action(name, "About the server's own state", run)


def _register(request: RegisterRequest, settings: Settings) -> RegisterReply:
    from tmws_mcp.patterns.catalog import pattern_folders  # noqa: PLC0415 - see above
    from tmws_mcp.patterns.register import register  # noqa: PLC0415 - see above

    folders = pattern_folders(settings.home, settings.pattern_dirs)
    return register(request.definition, home=settings.home, folders=folders)


def _summary(pattern: "Pattern") -> PatternSummary:
    return PatternSummary(
        id=pattern.id,
        route=pattern.route,
        summary=pattern.summary,
        exact=pattern.triggers.exact,
        regex=pattern.triggers.regex,
        examples=pattern.examples.match[:EXAMPLES_SHOWN],
        steps=tuple(step.name for step in pattern.steps),
    )
