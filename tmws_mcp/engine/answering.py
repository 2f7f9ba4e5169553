"""One call that answers: catalogue, matcher, router, cache and execution in a row.

The packages that take part lie side by side and know nothing of each other; here the values pass
from one to the next. They are imported with the first query, since reading YAML and compiling
regular expressions is nothing that `initialize` should wait for.
"""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio.to_thread
from pydantic import JsonValue

from tmws_mcp.actions.registry import ACTIONS, Action, Workspace
from tmws_mcp.cache.process import ProcessCache, execution_key
from tmws_mcp.engine.observing import observed
from tmws_mcp.engine.once import Once
from tmws_mcp.errors import InvalidInput, PatternNotFound, RegexesUnavailable, StoreError
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
from tmws_mcp.router.features import features
from tmws_mcp.router.router import route
from tmws_mcp.settings import Settings
from tmws_mcp.store import memories, namespaces
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection

if TYPE_CHECKING:
    from tmws_mcp.model import Decision
    from tmws_mcp.patterns.catalog import Catalog
    from tmws_mcp.patterns.definition import Pattern
    from tmws_mcp.patterns.matcher import Matcher
    from tmws_mcp.patterns.run import Parts

EXAMPLES_SHOWN = 5
MEMORIES_COUNTED_MAX = 100
"""The router asks whether there is anything to recall; counting a million would cost more."""


@dataclass(frozen=True, slots=True)
class Book:
    """The authored patterns, and what finds them."""

    catalog: "Catalog"
    matcher: "Matcher"


@dataclass(frozen=True, slots=True)
class Ground:
    """What an answer depends on, as the store has it now."""

    memories: int
    generations: tuple[int, ...]


class Answering:
    """Runs pattern_execute for the engine."""

    def __init__(
        self,
        settings: Settings,
        *,
        store: Callable[[], Awaitable[Database]],
        parts: "Callable[[Mapping[str, Action]], Parts]",
        record: Callable[[Execution, Scope], Awaitable[None]],
        actions: Mapping[str, Callable[[], Awaitable[JsonValue]]],
        only_reads: Callable[[str], bool],
    ) -> None:
        self._only_reads = only_reads
        self._record = record
        self._settings = settings
        self._store = store
        self._book = Once(self._read_book)
        self._kept: ProcessCache[ExecuteReply] = ProcessCache()
        self._runs: Counter[str] = Counter()
        self._parts = parts
        self._actions = dict(ACTIONS) | {
            name: _bound(name, action) for name, action in actions.items()
        }
        self._actions["patterns.list"] = Action(
            "patterns.list", "The authored patterns", self._list
        )
        self._actions["patterns.explain"] = Action(
            "patterns.explain", "One authored pattern in full", self._explain
        )

    async def execute(self, request: ExecuteRequest) -> ExecuteReply:
        """Answer a query by the cheapest way that will do.

        Raises:
            PatternNotFound: No pattern matches, and there is nothing to recall either.
            NothingRan: Not one step could be run.
        """
        started = time.perf_counter()
        book, scope = await self._book(), self._settings.scope(request.namespace)
        match = book.matcher.match(request.query)
        pattern = book.catalog.patterns.get(match.pattern or "")
        ground = await self._ground(scope, pattern)
        decision = self._decide(request, pattern, ground)
        self._runs[decision.route] += 1
        if not ground or not pattern or request.dry_run or not self._cacheable(pattern):
            return await self._run(request, scope, pattern, match, decision)
        key = execution_key(
            request, scope, version=book.catalog.version, generations=ground.generations
        )
        from tmws_mcp.patterns.execute import is_whole  # noqa: PLC0415 - see above

        reply, kept = await self._kept.get_or_make(
            key,
            lambda: self._run(request, scope, pattern, match, decision),
            seconds=pattern.cache_seconds,
            keep=is_whole,
        )
        return _again(reply, started) if kept else reply

    async def register(self, request: RegisterRequest) -> RegisterReply:
        """Save a pattern given as an object; it can be matched at once."""
        if not self._settings.register_pattern:
            raise InvalidInput(
                "Registering patterns is switched off. Set TMWS_REGISTER_PATTERN=true to allow it, "
                "or put a file into a folder of TMWS_PATTERN_DIRS."
            )
        reply = await anyio.to_thread.run_sync(_register, request, self._settings)
        self._book = Once(self._read_book)
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
        """Return what is wrong with the pattern files."""
        try:
            book = await self._book()
        except RegexesUnavailable as error:
            return (str(error),)
        return tuple(str(problem) for problem in book.catalog.problems)

    def figures(self) -> JsonObject:
        """Return what this process has executed and kept."""
        return {
            "executed_by_route": dict(self._runs),
            "cache_hits": self._kept.hits,
            "cache_misses": self._kept.misses,
            "cache_entries": len(self._kept),
        }

    async def _read_book(self) -> Book:
        return await anyio.to_thread.run_sync(_read_book, self._settings)

    async def _ground(self, scope: Scope, pattern: "Pattern | None") -> Ground | None:
        """Return what there is to recall; None where the store fails and the pattern needs none.

        Whoever asks for the health of a server whose store is broken must not get an error.
        """
        try:
            return await (await self._store()).read(_ground, scope)
        except StoreError:
            if pattern is None or pattern.route != "infrastructure":
                raise
            return None

    def _decide(
        self, request: ExecuteRequest, pattern: "Pattern | None", ground: Ground | None
    ) -> "Decision":
        seen = features(
            request.query,
            memories=ground.memories if ground else 0,
            actions_run=pattern is None or all(name in self._actions for name in pattern.actions),
            stores=pattern is not None and pattern.stores,
        )
        return route(pattern.route if pattern else None, seen, request.mode)

    def _cacheable(self, pattern: "Pattern") -> bool:
        """A pattern is kept if it says so and changes nothing."""
        actions = (self._actions.get(name) for name in pattern.actions)
        only_reads = all(action is not None and action.read_only for action in actions)
        changes = pattern.stores or not all(map(self._only_reads, pattern.calls))
        return pattern.cache_seconds > 0 and not changes and only_reads

    async def _run(
        self,
        request: ExecuteRequest,
        scope: Scope,
        pattern: "Pattern | None",
        match: Match,
        decision: "Decision",
    ) -> ExecuteReply:
        from tmws_mcp.patterns.execute import execute  # noqa: PLC0415 - see above

        parts = self._parts(self._actions)
        if pattern is None or request.dry_run:
            return await execute(pattern, match, decision, request, scope, parts)
        return await observed(
            pattern,
            scope,
            lambda: execute(pattern, match, decision, request, scope, parts),
            self._record,
        )

    async def _list(self, _arguments: JsonObject, _where: Workspace) -> JsonValue:
        return {item.id: item.summary for item in await self.summaries()}

    async def _explain(self, arguments: JsonObject, _where: Workspace) -> JsonValue:
        name = str(arguments.get("name", ""))
        # Its expressions tell a model nothing that the examples do not, and cost the most tokens.
        told = await self.summary(name)
        return told.model_dump(mode="json", exclude_defaults=True, exclude={"regex"})


def _bound(name: str, action: Callable[[], Awaitable[JsonValue]]) -> Action:
    async def run(_arguments: JsonObject, _where: Workspace) -> JsonValue:
        return await action()

    return Action(name, "About the server's own state", run)


def _read_book(settings: Settings) -> Book:
    from tmws_mcp.patterns.catalog import load_catalog, pattern_folders  # noqa: PLC0415 - see above
    from tmws_mcp.patterns.matcher import Matcher  # noqa: PLC0415 - see above

    catalog = load_catalog(pattern_folders(settings.home, settings.pattern_dirs))
    return Book(catalog, Matcher(catalog))


def _register(request: RegisterRequest, settings: Settings) -> RegisterReply:
    from tmws_mcp.patterns.catalog import pattern_folders  # noqa: PLC0415 - see above
    from tmws_mcp.patterns.register import register  # noqa: PLC0415 - see above

    folders = pattern_folders(settings.home, settings.pattern_dirs)
    return register(request.definition, home=settings.home, folders=folders)


def _again(reply: ExecuteReply, started: float) -> ExecuteReply:
    from tmws_mcp.patterns.execute import as_cached  # noqa: PLC0415 - see above

    return as_cached(reply, "process", (time.perf_counter() - started) * 1000)


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


def _ground(db: Connection, scope: Scope) -> Ground:
    """Read how much there is to recall, and the numbers that each write moves."""
    found = (namespaces.find(db, name) for name in (scope.namespace, *scope.also))
    spaces = [ns for ns in found if ns is not None]
    generations = [
        namespaces.generation(db, ns, area) for ns in spaces for area in ("memory", "learning")
    ]
    held = sum(memories.counted(db, ns, MEMORIES_COUNTED_MAX) for ns in spaces)
    return Ground(held, (len(spaces), *generations))
