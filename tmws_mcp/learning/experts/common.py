"""How often a tool was used at all, or that it never was."""

from collections.abc import Mapping, Sequence
from math import log1p

from tmws_mcp.learning.case import Case
from tmws_mcp.learning.experts import ngram
from tmws_mcp.learning.view import View

SCALE = 0.3


def judge(view: View, _case: Case, tools: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
    """Judge the tools by how often they were used."""
    totals = ngram.totals(view)
    return {
        "common": {tool: SCALE * log1p(totals[tool]) for tool in tools if tool in totals},
        "new": {tool: 1.0 for tool in tools if tool not in totals},
    }
