"""How the running session has used each tool: how often, how lately, and after which."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import log1p

from tmws_mcp.learning.case import Case
from tmws_mcp.learning.view import View


def judge(_view: View, case: Case, tools: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
    """Judge the tools other than the last one by their use, and each by its failures."""
    steps = [step.tool for step in case.steps]
    if not steps:
        return {}
    used, last = Counter(steps), case.last
    seen_at = {tool: number for number, tool in enumerate(steps)}
    failed = Counter(step.tool for step in case.steps if not step.ok)
    after = Counter(then for tool, then in pairwise(steps) if tool == last)
    return {
        "used": {tool: log1p(n) for tool, n in used.items() if tool != last},
        "recent": {
            tool: 1 / (len(steps) - number) for tool, number in seen_at.items() if tool != last
        },
        "followed": {tool: 2 * n / after.total() for tool, n in after.items()},
        "unused": {tool: 1.0 for tool in tools if tool not in used},
        "failing": {tool: log1p(n) for tool, n in failed.items()},
    }
