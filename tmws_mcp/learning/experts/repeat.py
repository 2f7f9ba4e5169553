"""The last tool again: the strongest simple rule on traces of real MCP servers (49 % right)."""

from collections.abc import Iterator, Mapping, Sequence
from math import log

from tmws_mcp.learning.case import Case
from tmws_mcp.learning.view import View
from tmws_mcp.learning.words import fingerprint

KIND = "repeat"
SAME, OTHER = "same", "other"
ROW_MAX = 3
USUAL = 0.4
"""How often the last tool comes again where nothing is known."""
PRIOR = 4.0


def contexts(case: Case) -> tuple[str, ...]:
    """Return the keys of how the row of the last tool stands, of any tool first."""
    row = f"{min(case.row, ROW_MAX)}{case.failed}"
    return (fingerprint(row), fingerprint(row, case.last)) if case.last else ()


def counted(case: Case, tool: str) -> Iterator[tuple[str, str, str]]:
    """Count whether the tool came again."""
    action = SAME if tool == case.last else OTHER
    return ((KIND, key, action) for key in contexts(case))


def judge(view: View, case: Case, tools: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
    """Judge the last tool alone."""
    if case.last not in tools:
        return {}
    share = USUAL
    for level in view.followers(KIND, contexts(case)):
        same = level.get(SAME, 0)
        share = (same + PRIOR * share) / (same + level.get(OTHER, 0) + PRIOR)
    return {
        "again": {case.last: 1.0},
        "again_after_success": {} if case.failed else {case.last: 1.0},
        "again_as_usual": {case.last: log(share / (1 - share))},
    }
