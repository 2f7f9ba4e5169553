"""What followed the last different tools, however often each was repeated."""

from collections.abc import Iterator
from itertools import groupby

from tmws_mcp.learning.case import SILENT, Case, Forecast
from tmws_mcp.learning.discounting import interpolate
from tmws_mcp.learning.experts import ngram
from tmws_mcp.learning.view import View
from tmws_mcp.learning.words import fingerprint

KIND = "skip"
DIFFERENT_MAX = 3
ROW_MAX = 3
"""A longer row of the same tool makes no difference any more."""


def contexts(case: Case) -> tuple[str, ...]:
    """Return the keys of the last tools without repetitions, the last one alone first."""
    tools = [tool for tool, _ in groupby(step.tool for step in reversed(case.steps))]
    row = str(min(case.row, ROW_MAX))
    return tuple(fingerprint(row, *tools[:n]) for n in range(1, min(len(tools), DIFFERENT_MAX) + 1))


def counted(case: Case, tool: str) -> Iterator[tuple[str, str, str]]:
    """Count the tool under each of them."""
    return ((KIND, key, tool) for key in contexts(case))


def foresee(view: View, case: Case) -> Forecast:
    """Expect what followed them."""
    if not case.steps:
        return SILENT
    general = ngram.usual(view)
    if not general[1]:
        return SILENT
    keys = contexts(case)
    shares, reached = view.recent(
        (KIND, keys), lambda: interpolate(view.followers(KIND, keys), general)
    )
    return Forecast(shares, reached)
