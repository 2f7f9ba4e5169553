"""Which tool is named like what the task asks for: of the available ones, else of those known."""

from functools import lru_cache
from math import fsum

from tmws_mcp.learning.case import SILENT, Case, Forecast
from tmws_mcp.learning.words import words
from tmws_mcp.store import evidence
from tmws_mcp.store.driver import Connection

TOOL = "tool"
EVERYWHERE = ""


def foresee(db: Connection, case: Case) -> Forecast:
    """Expect the tools whose names share words with the task or the newest message."""
    if not case.words:
        return SILENT
    tools = case.available or evidence.actions(db, case.ns, TOOL, EVERYWHERE)
    likeness = {tool: _likeness(tool, case) for tool in tools}
    total = fsum(likeness.values())  # exact, so that the order of a set makes no difference
    if not total:
        return SILENT
    return Forecast({tool: share / total for tool, share in likeness.items() if share})


@lru_cache(maxsize=4_096)
def _named(tool: str) -> tuple[str, ...]:
    return tuple(words(tool))


def _likeness(tool: str, case: Case) -> float:
    named = _named(tool)
    # Squared: one word in common is often chance, two of three hardly ever.
    return (sum(1.0 for word in named if word in case.words) / (len(named) + 1)) ** 2
