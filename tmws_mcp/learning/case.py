"""The case at hand: what an expert may know when it says which tool comes next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tmws_mcp.store.observations import HISTORY_MAX, Step

START = "^"
FAILED = "!"


@dataclass(frozen=True, slots=True)
class Case:
    """What is known before a step."""

    ns: int
    want: Literal["next", "recover"]
    steps: tuple[Step, ...] = ()
    """The newest of the run, oldest first."""
    task: str = ""
    """Key of the task (words.task_key), empty where there is none."""
    near: tuple[tuple[int, float], ...] = ()
    """Tasks like it: (key in the store, similarity)."""
    available: tuple[str, ...] = ()
    """The tools that can be called, in the caller's order; empty where it did not say."""
    words: Mapping[str, int] = field(default_factory=dict)
    """Stems of the task."""
    turn_words: Mapping[str, int] = field(default_factory=dict)
    """Stems of the newest user message, empty where the caller tells none."""
    is_new_turn: bool | None = False
    """No step was taken since that message came; None where nobody knows."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The steps as symbols, with a mark for the beginning where it is in sight."""
        seen = tuple(step.tool if step.ok else step.tool + FAILED for step in self.steps)
        return seen if len(seen) >= HISTORY_MAX else (START, *seen)

    @property
    def last(self) -> str:
        """Return the tool of the last step, empty at the beginning."""
        return self.steps[-1].tool if self.steps else ""

    def unused(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the values of those tools that none of the steps has used."""
        used = {step.tool for step in self.steps}
        return {tool: value for tool, value in values.items() if tool not in used}

    @property
    def failed(self) -> bool:
        """Tell whether the last step failed."""
        return bool(self.steps) and not self.steps[-1].ok

    @property
    def row(self) -> int:
        """Return how many times in a row the last tool was called."""
        n = 0
        for step in reversed(self.steps):
            if step.tool != self.last:
                break
            n += 1
        return n


@dataclass(frozen=True, slots=True)
class Forecast:
    """What an expert expects: shares of the tools, adding up to at most 1."""

    shares: Mapping[str, float]
    reach: int = 0
    """How particular the evidence was that it stands on, 0 to 4."""


SILENT = Forecast({})
"""The answer of an expert that knows nothing about the case."""
