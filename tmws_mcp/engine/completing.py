"""Known values that begin with a prefix, for a client that completes what a person types."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Self

from tmws_mcp.engine.scoped import Scoped
from tmws_mcp.memory import lookup
from tmws_mcp.model import LearnedFilter, LearnedPattern, PatternSummary
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database

COMPLETIONS_MAX = 50
STORED = {
    "memory": lookup.known_ids, "tag": lookup.known_tags, "persona": lookup.known_personas,
}  # fmt: skip
"""What the store knows by prefix."""


class Completing(Scoped):
    """Completes the ids of memories, patterns and learned patterns, tags and personas."""

    def __init__(
        self,
        settings: Settings,
        *,
        store: Callable[[], Awaitable[Database]],
        patterns: Callable[[], Awaitable[tuple[PatternSummary, ...]]],
        learned: Callable[[LearnedFilter], Awaitable[tuple[LearnedPattern, ...]]],
        personas: Callable[[], Awaitable[Iterable[str]]],
    ) -> None:
        self._settings, self._store = settings, store
        self._patterns, self._learned, self._personas = patterns, learned, personas

    def seen(
        self,
        settings: Settings,
        *,
        learned: Callable[[LearnedFilter], Awaitable[tuple[LearnedPattern, ...]]],
    ) -> Self:
        """Return this part for a caller of narrower settings."""
        twin = self.within(settings)
        twin._learned = learned  # noqa: SLF001 - it is of this very class
        return twin

    async def __call__(self, kind: str, prefix: str) -> tuple[str, ...]:
        """Return up to COMPLETIONS_MAX values; none for a kind that is not known."""
        if kind == "pattern":
            return _beginning((one.id for one in await self._patterns()), prefix)
        if kind == "learned":
            wanted = LearnedFilter(limit=COMPLETIONS_MAX * 4)
            return _beginning((one.pattern_id for one in await self._learned(wanted)), prefix)
        if kind not in STORED:
            return ()
        store = await self._store()
        found = await store.read(STORED[kind], self._settings.scope(), prefix, COMPLETIONS_MAX)
        if kind == "persona":
            found += await self._unused(found, prefix)
        return found[:COMPLETIONS_MAX]

    async def _unused(self, stored: Iterable[str], prefix: str) -> tuple[str, ...]:
        """Return personas of the files that have stored nothing yet."""
        seen = {name.casefold() for name in stored}
        names = (name for name in await self._personas() if name not in seen)
        return _beginning(names, prefix.casefold())


def _beginning(names: Iterable[str], prefix: str) -> tuple[str, ...]:
    return tuple(name for name in names if name.startswith(prefix))[:COMPLETIONS_MAX]
