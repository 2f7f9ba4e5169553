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
    available: frozenset[str] = frozenset()
    """The tools that can be called; empty where the caller did not say."""
    words: Mapping[str, int] = field(default_factory=dict)
    """Of the task and of the newest user message."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The steps as symbols, with a mark for the beginning where it is in sight."""
        seen = tuple(step.tool if step.ok else step.tool + FAILED for step in self.steps)
        return seen if len(seen) >= HISTORY_MAX else (START, *seen)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What an expert expects: shares of the tools, adding up to at most 1."""

    shares: Mapping[str, float]
    reach: int = 0
    """How particular the evidence was that it stands on, 0 to 4."""


SILENT = Forecast({})
"""The answer of an expert that knows nothing about the case."""
