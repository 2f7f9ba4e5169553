"""Which of the available tools is named like what the task asks for."""

from tmws_mcp.learning.case import SILENT, Case, Forecast
from tmws_mcp.learning.words import words
from tmws_mcp.store.driver import Connection


def foresee(_db: Connection, case: Case) -> Forecast:
    """Expect the tools whose names share words with the task or the newest message."""
    if not case.available or not case.words:
        return SILENT
    likeness = {tool: _likeness(tool, case) for tool in case.available}
    total = sum(likeness.values())
    if not total:
        return SILENT
    return Forecast({tool: share / total for tool, share in likeness.items() if share})


def _likeness(tool: str, case: Case) -> float:
    named = words(tool)
    # Squared: one word in common is often chance, two of three hardly ever.
    return (sum(1.0 for word in named if word in case.words) / (len(named) + 1)) ** 2
