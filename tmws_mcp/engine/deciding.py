"""Routing decisions, kept for five minutes by query, mode, catalogue and the state they rest on."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tmws_mcp.cache.process import ProcessCache
from tmws_mcp.engine.figures import Figures
from tmws_mcp.model import Decision, ExecuteRequest, Route
from tmws_mcp.router.features import features
from tmws_mcp.router.router import route

if TYPE_CHECKING:
    from tmws_mcp.patterns.definition import Pattern

SECONDS = 300.0
ENTRIES = 1_000


class Deciding:
    """The router, with what it was asked lately."""

    def __init__(self, figures: Figures, *, runs: "Callable[[Pattern], bool]") -> None:
        self._figures, self._runs = figures, runs
        self.kept: ProcessCache[Decision] = ProcessCache(entries=ENTRIES)

    def decide(
        self,
        request: ExecuteRequest,
        pattern: "Pattern | None",
        *,
        version: str,
        memories: int,
        leans: tuple[Route, float] | None = None,
        none: float | None = None,
    ) -> Decision:
        """Return how much of a pattern to run."""
        name = pattern.id if pattern else None
        runs = pattern is None or self._runs(pattern)
        state = (version, memories, runs, leans, none, self._figures.generation)
        key = (request.query, request.mode, name, *state)
        if (known := self.kept.get(key)) is not None:
            self.kept.hit()
            return known
        self.kept.misses += 1
        seen = features(
            request.query,
            memories=memories,
            actions_run=runs,
            stores=pattern is not None and pattern.stores,
            costs=self._figures.costs(name),
            leans=leans,
            none=none,
        )
        decision = route(pattern.route if pattern else None, seen, request.mode)
        self.kept.put(key, decision, seconds=SECONDS)
        return decision
