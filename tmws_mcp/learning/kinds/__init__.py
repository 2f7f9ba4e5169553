"""The kinds of learned pattern: each knows its evidence, and how to say it in plain words.

A module of a kind also has the function that notes such a pattern when an observation shows one.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tmws_mcp.learning.kinds import error_recovery, performance, task_sequence, tool_usage
from tmws_mcp.model import JsonObject, LearnedKind
from tmws_mcp.store import evidence
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context, Tally


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of learned pattern."""

    fields: frozenset[str]
    """What a definition of the kind holds."""
    slot: Callable[[JsonObject], Context]
    """Where its evidence is counted."""
    summary: Callable[[Connection, int, JsonObject], str]
    """What it says, in one line."""
    compared: Callable[[Connection, int, JsonObject], Tally] | None = None
    """What it is compared with, where that is not all else in the same case."""

    def tally(self, db: Connection, ns: int, made: JsonObject) -> Tally:
        """Return how well it went."""
        return evidence.tally(db, ns, *self.slot(made))

    def rest(self, db: Connection, ns: int, made: JsonObject) -> Tally:
        """Return how well all else went in the same case."""
        if self.compared is not None:
            return self.compared(db, ns, made)
        return evidence.others(db, ns, *self.slot(made))


KINDS: dict[LearnedKind, Kind] = {
    "error_recovery": Kind(
        frozenset({"tool", "template", "class", "masks", "repair"}),
        error_recovery.slot,
        error_recovery.summary,
    ),
    "performance": Kind(
        frozenset({"key", "task", "method", "than"}),
        performance.slot,
        performance.summary,
        performance.rest,
    ),
    "task_sequence": Kind(
        frozenset({"task_key", "task", "steps"}), task_sequence.slot, task_sequence.summary
    ),
    "tool_usage": Kind(
        frozenset({"task_key", "task", "tool"}), tool_usage.slot, tool_usage.summary
    ),
}
"""In the order of what they are worth showing first."""
