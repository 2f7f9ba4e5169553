"""What a person does with the versions of a pattern: look at them, restore one, compare two."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio.to_thread

from tmws_mcp.engine.book import Books
from tmws_mcp.engine.scoped import Scoped
from tmws_mcp.errors import InvalidInput, NotFound
from tmws_mcp.learning import comparing
from tmws_mcp.model import JsonObject
from tmws_mcp.model.learned import Comparison
from tmws_mcp.settings import Settings
from tmws_mcp.store import pattern_versions
from tmws_mcp.store.database import Database
from tmws_mcp.store.pattern_versions import TrialRow, Version

VERSION_CHARS_MIN = 4


class Versions(Scoped):
    """The engine's methods for versions; `engine.versions` is one."""

    def __init__(
        self,
        settings: Settings,
        books: Books,
        *,
        store: Callable[[], Awaitable[Database]],
        clock: Callable[[], float],
    ) -> None:
        self._settings, self._books = settings, books
        self._store, self._clock = store, clock

    async def history(self, pattern: str) -> tuple[Version, ...]:
        """Return the versions of a pattern that are kept, the one that serves now first.

        Raises:
            NotFound: There is no such pattern, and never was.
        """
        store = await self._store()
        await self._books()
        await self._books.read_again()
        await self._books.note()
        if found := await store.read(pattern_versions.history, pattern):
            return found
        raise NotFound("pattern", pattern, remedy="`tmws-mcp patterns list` lists them.")

    async def restore(self, pattern: str, version: str) -> Path:
        """Write a version back into the pattern's file, and return where; it serves at once.

        The version that serves now stays in the history, so that this can be undone like anything.

        Raises:
            NotFound: There is no such version.
            PatternFileError: It is none any more: this program knows other keys.
            StoreNotWritable: The file cannot be written.
        """
        found = await self._version(pattern, version)
        definition: JsonObject = json.loads(found.definition)
        path = await self._path(pattern)
        await anyio.to_thread.run_sync(_write, definition, path)
        await self._books.read_again()
        return path

    async def start_trial(
        self, pattern: str, one: str, other: str, *, share: float = 0.5
    ) -> TrialRow:
        """Let two versions share a pattern's queries, `share` of them for the other.

        Raises:
            NotFound: There is no such version.
            InvalidInput: They are the same, or the share is none.
        """
        first, second = await self._version(pattern, one), await self._version(pattern, other)
        if first.version == second.version or not 0 < share < 1:
            raise InvalidInput("A trial needs two versions, and a share between 0 and 1.")
        row = TrialRow(pattern, first.version, second.version, share, self._clock())
        await (await self._store()).write(pattern_versions.start_trial, row)
        await self._books.read_again()
        return row

    async def trial(self, pattern: str) -> TrialRow | None:
        """Return the trial of a pattern that goes on."""
        rows = await (await self._store()).read(pattern_versions.trials)
        return next((row for row, _, _ in rows if row.pattern == pattern), None)

    async def compare(self, pattern: str) -> Comparison:
        """Say how the two versions of a trial did.

        Raises:
            NotFound: There is no trial, or one of the two was not run yet.
        """
        row = await self._running(pattern)
        names = [f"{pattern}@{version}" for version in (row.one, row.other)]
        return await (await self._store()).read(
            comparing.compare, names[0], names[1], self._settings.scope()
        )

    async def stop_trial(self, pattern: str, *, adopt: str = "") -> Path | None:
        """End a trial; with `adopt`, that version is written into the pattern's file.

        Raises:
            NotFound: There is no trial, or no such version.
        """
        await self._running(pattern)
        path = await self.restore(pattern, adopt) if adopt else None
        await (await self._store()).write(pattern_versions.end_trial, pattern)
        await self._books.read_again()
        return path

    async def _running(self, pattern: str) -> TrialRow:
        if (row := await self.trial(pattern)) is None:
            remedy = "`tmws-mcp patterns ab ID ONE OTHER` begins one."
            raise NotFound("trial of pattern", pattern, remedy=remedy)
        return row

    async def _version(self, pattern: str, version: str) -> Version:
        """Return the version whose name begins so."""
        known = await self.history(pattern)
        fits = [one for one in known if one.version.startswith(version)]
        if len(version) < VERSION_CHARS_MIN or len(fits) != 1:
            listed = ", ".join(one.version for one in known)
            raise NotFound(f"version of {pattern}", version, remedy=f"There are {listed}.")
        return fits[0]

    async def _path(self, pattern: str) -> Path:
        """Return the file that a person's version of a pattern stands in."""
        from tmws_mcp.patterns.catalog import PROMOTED, shipped_folder  # noqa: PLC0415 - YAML

        current = (await self._books()).catalog.files.get(pattern)
        if current is not None and not current.is_relative_to(shipped_folder().resolve()):
            return current
        own = self._settings.pattern_dirs
        route, _, name = pattern.partition(".")
        return Path(own[-1] if own else self._settings.home / PROMOTED, route, f"{name}.yaml")


def _write(definition: JsonObject, path: Path) -> None:
    from tmws_mcp.patterns.definition import parse_pattern  # noqa: PLC0415 - YAML and RE2
    from tmws_mcp.patterns.register import write_file  # noqa: PLC0415 - the same
    from tmws_mcp.yamlfile import format_mapping  # noqa: PLC0415 - the same

    parse_pattern(definition, path=path)
    write_file(path, format_mapping(definition))
