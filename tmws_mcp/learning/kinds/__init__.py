"""The kinds of learned pattern: each knows its evidence, and how to say it in plain words.

A module of a kind also has the function that notes such a pattern when an observation shows one.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tmws_mcp.learning.kinds import error_recovery, performance, task_sequence, tool_usage
from tmws_mcp.model import JsonObject, LearnedKind
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Tally


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of learned pattern."""

    tally: Callable[[Connection, int, JsonObject], Tally]
    """How well it went."""
    rest: Callable[[Connection, int, JsonObject], Tally]
    """How well all else went in the same case."""
    summary: Callable[[Connection, int, JsonObject], str]
    """What it says, in one line."""


KINDS: dict[LearnedKind, Kind] = {
    "error_recovery": Kind(error_recovery.tally, error_recovery.rest, error_recovery.summary),
    "performance": Kind(performance.tally, performance.rest, performance.summary),
    "task_sequence": Kind(task_sequence.tally, task_sequence.rest, task_sequence.summary),
    "tool_usage": Kind(tool_usage.tally, tool_usage.rest, tool_usage.summary),
}
"""In the order of what they are worth showing first."""
