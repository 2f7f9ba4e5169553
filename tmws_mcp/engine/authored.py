"""Authored patterns shown, and saved as objects."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread
from pydantic import JsonValue

from tmws_mcp.actions.registry import Action, Workspace
from tmws_mcp.engine.book import Books
from tmws_mcp.errors import InvalidInput, PatternNotFound, RegexesUnavailable
from tmws_mcp.model import JsonObject, PatternSummary, RegisterReply, RegisterRequest
from tmws_mcp.model.learned import Promotion
from tmws_mcp.settings import Settings

if TYPE_CHECKING:
    from tmws_mcp.patterns.definition import Pattern

EXAMPLES_SHOWN = 5


class Authored:
    """The catalogue as people and models see it."""

    def __init__(
        self,
        settings: Settings,
        books: Books,
        *,
        personas: Callable[[], Awaitable[tuple[str, ...]]],
    ) -> None:
        """`personas` says what is wrong with the files of personas."""
        self._settings, self._book, self._personas = settings, books, personas

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
        return (*map(str, book.catalog.problems), *await self._personas())

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

    async def promote(self, made: Promotion) -> RegisterReply:
        """Save a learned pattern as an authored one; it can be matched at once."""
        from tmws_mcp.patterns.promoted import promote  # noqa: PLC0415 - with the first query

        catalog, home = (await self._book()).catalog, self._settings.home
        reply = await anyio.to_thread.run_sync(promote, made, catalog, home)
        await self._book.read_again()
        return reply

    async def remove(self, name: str) -> Path:
        """Remove a pattern that was registered or promoted; its versions stay, to be restored."""
        from tmws_mcp.patterns.promoted import remove  # noqa: PLC0415 - with the first query

        catalog, home = (await self._book()).catalog, self._settings.home
        await self._book.note()
        gone = await anyio.to_thread.run_sync(remove, name, catalog, home)
        await self._book.read_again()
        return gone

    def actions(self) -> tuple[Action, ...]:
        """Return the actions by which a pattern shows the patterns."""
        return (
            Action("patterns.list", "The authored patterns", self._list),
            Action("patterns.explain", "One authored pattern in full", self._explain),
        )

    async def _list(self, _arguments: JsonObject, _where: Workspace) -> JsonValue:
        return {item.id: item.summary for item in await self.summaries()}

    async def _explain(self, arguments: JsonObject, _where: Workspace) -> JsonValue:
        name = str(arguments.get("name", ""))
        # Its expressions tell a model nothing that the examples do not, and cost the most tokens.
        told = await self.summary(name)
        return told.model_dump(mode="json", exclude_defaults=True, exclude={"regex"})


def _register(request: RegisterRequest, settings: Settings) -> RegisterReply:
    from tmws_mcp.patterns.catalog import pattern_folders  # noqa: PLC0415 - with the first query
    from tmws_mcp.patterns.register import register  # noqa: PLC0415 - with the first query

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
