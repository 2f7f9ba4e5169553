"""A share as a number that adds up: the logarithm of how much it is above next to nothing."""

from collections.abc import Iterable, Mapping
from math import log

NEXT_TO_NOTHING = 0.005
"""A share below this says no more than none: it keeps one unlikely event from ruling a sum."""


def strength(share: float) -> float:
    """Return 0 for no share, and about 5.3 for certainty."""
    return log(share / NEXT_TO_NOTHING + 1)


def strengths(shares: Mapping[str, float], tools: Iterable[str]) -> dict[str, float]:
    """Return the strength of each of these tools that has a share."""
    return {tool: log(shares[tool] / NEXT_TO_NOTHING + 1) for tool in tools if tool in shares}
