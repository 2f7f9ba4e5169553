"""The authored patterns at hand: what the files hold now, what a program added, what is on trial.

The files are looked at when a query comes and the last look is a second old; a change is read in a
worker thread, while other queries go on with what was there. YAML and RE2 are imported with the
first query: `initialize` need not wait for them.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import anyio
import anyio.abc
import anyio.to_thread

from tmws_mcp.engine.matching import matched, matcher_of
from tmws_mcp.errors import InvalidInput, PatternFileError, StoreError, TmwsError
from tmws_mcp.model import Match
from tmws_mcp.settings import Settings
from tmws_mcp.store import pattern_versions
from tmws_mcp.store.database import Database
from tmws_mcp.store.pattern_versions import TrialRow, Version
from tmws_mcp.telemetry import get_logger

if TYPE_CHECKING:
    from tmws_mcp.patterns.catalog import Catalog
    from tmws_mcp.patterns.definition import Pattern
    from tmws_mcp.patterns.matcher import Matcher
    from tmws_mcp.patterns.reading import Reading

CHECK_SECONDS = 1.0
CHECK_SHARE_MAX = 0.02
"""Of the time, for looking at files: where that takes long it is done less often."""
ADDED_MAX = 200
ADDED = "added by the program"

log = get_logger("patterns")


@dataclass(frozen=True, slots=True)
class Trial:
    """Two versions of a pattern that share its queries."""

    row: TrialRow
    one: "Pattern"
    other: "Pattern"

    def side(self, query: str) -> tuple["Pattern", str]:
        """Return the version for a query, and its name: the same one whenever it is asked."""
        said = f"{self.row.pattern}\0{self.row.at}\0{' '.join(query.casefold().split())}"
        place = int.from_bytes(hashlib.sha256(said.encode()).digest()[:8]) / 2**64
        if place < self.row.share:
            return self.other, self.row.other
        return self.one, self.row.one


@dataclass(frozen=True, slots=True)
class Book:
    """The patterns at one moment, and what finds them."""

    catalog: "Catalog"
    matcher: "Matcher"
    trials: Mapping[str, Trial] = field(default_factory=dict)
    before: "Book | None" = None
    """The book of before a change, until the examples of this one are learned."""

    @property
    def version(self) -> str:
        """Changes with any definition and any trial; keys of caches hold it."""
        at = ",".join(str(trial.row.at) for trial in self.trials.values())
        return f"{self.catalog.version}/{at}"

    async def match(self, query: str, preferred: Iterable[str] = ()) -> Match:
        """Return what a query means; what no trigger decides, the book of before may know still."""
        if self.before is not None and not self.matcher.learned():
            found = self.matcher.match(query, preferred)
            if found.pattern is None:
                found = replace(self.before.matcher.match(query, preferred), final=False)
            if found.pattern in self.catalog.patterns:
                return found
        return await matched(self.matcher, query, preferred)

    def next(self, catalog: "Catalog", matcher: "Matcher") -> "Book":
        """Return the book after a change; it leans on the latest one that has learned."""
        learned = self if self.matcher.learned() else self.before
        return Book(
            catalog, matcher, self.trials, replace(learned, before=None) if learned else None
        )

    def chosen(self, name: str | None, query: str) -> tuple["Pattern | None", str]:
        """Return the definition to run, and the version's name where it is on trial."""
        if (trial := self.trials.get(name or "")) is not None:
            return trial.side(query)
        return self.catalog.patterns.get(name or ""), ""


class Books:
    """Gives the book: `await books()`; read by the first who asks."""

    def __init__(
        self,
        settings: Settings,
        tasks: anyio.abc.TaskGroup,
        *,
        store: Callable[[], Database | None],
        clock: Callable[[], float],
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._tasks, self._store = settings, tasks, store
        self._clock, self._ticks = clock, ticks
        self._lock = anyio.Lock()
        self._reading: Reading | None = None
        self._book: Book | None = None
        self._added: dict[str, Pattern] = {}
        self._next_check = 0.0
        self._noted = ""

    async def __call__(self) -> Book:
        """Return the patterns as they are now.

        Raises:
            RegexesUnavailable: There is no RE2 here.
        """
        if self._book is None:
            async with self._lock:
                if self._book is None:
                    await self._read(self._whole)
                    await self._see_trials()
        elif self._ticks() >= self._next_check and not self._lock.locked():
            async with self._lock:
                await self._look_again()
        assert self._book is not None
        return self._book

    @property
    def at_hand(self) -> Book | None:
        """The patterns as they were looked at last; None before the first query."""
        return self._book

    async def read_again(self) -> None:
        """Read what changed at once, not with the next look: somebody has just written it."""
        async with self._lock:
            await self._read(self._whole)
            await self._see_trials()

    async def note(self) -> None:
        """Keep the versions that serve now, as far as they are not those that served before."""
        store = self._store()
        if store is None or self._book is None or self._noted == self._book.catalog.version:
            return
        version = self._book.catalog.version
        await store.write(pattern_versions.note, _versions(self._book, self._clock()))
        self._noted = version

    async def add(self, definition: Mapping[str, Any]) -> str:
        """Add a pattern for as long as this engine lives; it is stronger than any file's.

        Raises:
            PatternFileError: It is no pattern.
            InvalidInput: There are too many.
        """
        from tmws_mcp.patterns.definition import parse_pattern  # noqa: PLC0415 - see above

        pattern = parse_pattern(definition, path=ADDED)
        if pattern.id not in self._added and len(self._added) >= ADDED_MAX:
            raise InvalidInput(f"A program may add {ADDED_MAX} patterns; put more into files.")
        self._added[pattern.id] = pattern
        await self.read_again()
        return pattern.id

    async def _look_again(self) -> None:
        started = self._ticks()
        try:
            await self._read(self._fresh)
        except TmwsError as error:  # what was there goes on serving
            log.warning("patterns.not_read", error=type(error).__name__)
        await self._see_trials()
        if self._book and self._book.before and self._book.matcher.learned():
            self._book = replace(self._book, before=None)  # its model takes up memory
        took = self._ticks() - started
        self._next_check = self._ticks() + max(CHECK_SECONDS, took / CHECK_SHARE_MAX)

    async def _read(self, read: "Callable[[], Book | None]") -> None:
        if (book := await anyio.to_thread.run_sync(read)) is not None:
            self._book = replace(book, trials=self._book.trials if self._book else {})
        self._next_check = self._ticks() + CHECK_SECONDS

    def _fresh(self) -> Book | None:
        """Return the book anew if a file has changed."""
        assert self._reading is not None
        return self._whole() if self._reading.changed() else None

    def _whole(self) -> Book:
        from tmws_mcp.patterns.catalog import REGISTERED, pattern_folders  # noqa: PLC0415 - see above
        from tmws_mcp.patterns.reading import Reading  # noqa: PLC0415 - see above

        settings = self._settings
        if self._reading is None:
            self._reading = Reading(
                lambda: pattern_folders(settings.home, settings.pattern_dirs),
                settings.home / REGISTERED,
            )
        catalog = self._with_added(self._reading.catalog())
        if self._book is not None and self._book.catalog.version == catalog.version:
            return replace(self._book, catalog=catalog)
        matcher = matcher_of(catalog, self._settings)
        return self._book.next(catalog, matcher) if self._book else Book(catalog, matcher)

    def _with_added(self, catalog: "Catalog") -> "Catalog":
        from tmws_mcp.patterns.catalog import catalog_version  # noqa: PLC0415 - see above

        if not self._added:
            return catalog
        patterns = {**catalog.patterns, **self._added}
        return replace(
            catalog, patterns=MappingProxyType(patterns), version=catalog_version(patterns)
        )

    async def _see_trials(self) -> None:
        """See what is on trial, once the store is open; what serves is noted in the background."""
        store = self._store()
        if store is None or self._book is None:
            return
        if self._noted != self._book.catalog.version:
            self._tasks.start_soon(self._note_if_possible)
        try:
            rows = await store.read(pattern_versions.trials)
        except StoreError:  # whoever needs the store is told
            return
        if [row for row, _, _ in rows] != [trial.row for trial in self._book.trials.values()]:
            self._book = replace(self._book, trials=_trials(rows))

    async def _note_if_possible(self) -> None:
        try:
            await self.note()
        except StoreError as error:
            log.warning("patterns.version_not_noted", error=type(error).__name__)
        except Exception:  # a bug in here must not end the engine that it serves
            log.exception("patterns.noting_crashed")


def _versions(book: Book, now: float) -> list[Version]:
    from tmws_mcp.patterns.catalog import version_of  # noqa: PLC0415 - see above

    return [
        Version(
            name,
            version_of(pattern),
            now,
            pattern.model_dump_json(by_alias=True, exclude_unset=True),
        )
        for name, pattern in book.catalog.patterns.items()
    ]


def _trials(rows: tuple[tuple[TrialRow, str, str], ...]) -> dict[str, Trial]:
    from tmws_mcp.patterns.definition import parse_pattern  # noqa: PLC0415 - see above

    found = {}
    for row, one, other in rows:
        try:
            both = [parse_pattern(json.loads(text), path=row.pattern) for text in (one, other)]
        except PatternFileError as error:  # of a version of this program that knew other keys
            log.warning("patterns.trial_unusable", pattern=row.pattern, error=error.problem)
            continue
        found[row.pattern] = Trial(row, both[0], both[1])
    return found
