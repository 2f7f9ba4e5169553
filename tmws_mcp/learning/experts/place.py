"""Where a tool stands in the caller's list: lists are often in the order of use."""

from collections.abc import Mapping, Sequence

from tmws_mcp.learning.case import Case
from tmws_mcp.learning.view import View


def judge(_view: View, case: Case, tools: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
    """Judge the tools by their place in the list, and by whether they follow the last one in it."""
    if not case.available:
        return {}
    places = {tool: place for place, tool in enumerate(case.available)}
    following = places[case.last] + 1 if case.last in places else -1
    return {
        "listed_first": {case.available[0]: 1.0},
        "listed_early": {tool: 1 - places[tool] / len(places) for tool in tools if tool in places},
        "listed_next": {tool: 1.0 for tool in tools if places.get(tool) == following},
    }
