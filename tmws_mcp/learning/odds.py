"""A share as a number that adds up: the logarithm of how much it is above next to nothing."""

from collections.abc import Iterable, Mapping
from math import log

from tmws_mcp.learning.shares import picked

NEXT_TO_NOTHING = 0.005
"""A share below this says no more than none: it keeps one unlikely event from ruling a sum."""


def strength(share: float) -> float:
    """Return 0 for no share, and about 5.3 for certainty."""
    return log(share / NEXT_TO_NOTHING + 1)


def strengths(shares: Mapping[str, float], tools: Iterable[str]) -> dict[str, float]:
    """Return the strength of each of these tools that has a share."""
    some = picked(shares, tools)
    return {tool: log(share / NEXT_TO_NOTHING + 1) for tool, share in some.items()}
