"""Which tool is named like what the task asks for: of the available ones, else of those known."""

from collections import Counter
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
    tools = case.available or frozenset(evidence.actions(db, case.ns, TOOL, EVERYWHERE))
    named = _named(tools)
    shared = Counter(tool for word in case.words for tool in named.get(word, ()))
    # Squared: one word in common is often chance, two of three hardly ever.
    likeness = {tool: (n / (len(_words(tool)) + 1)) ** 2 for tool, n in shared.items()}
    total = fsum(likeness.values())  # exact, so that the order of a set makes no difference
    if not total:
        return SILENT
    return Forecast({tool: share / total for tool, share in likeness.items()})


@lru_cache(maxsize=8)
def _named(tools: frozenset[str]) -> dict[str, list[str]]:
    """Return the tools by the words of their names; a session sends the same ones at each step."""
    named: dict[str, list[str]] = {}
    for tool in tools:
        for word in _words(tool):
            named.setdefault(word, []).append(tool)
    return named


@lru_cache(maxsize=4_096)
def _words(tool: str) -> tuple[str, ...]:
    return tuple(words(tool))
