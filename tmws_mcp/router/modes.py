"""The three modes: what each has to say for or against the parts of a route.

A mode is a function from the features to signals. `balanced` follows the pattern; `fast` gives up
the memory part of a hybrid where it does not pay; `comprehensive` looks into the memory beside an
action. A signal's weight is a count of votes, not a measurement: the pattern itself has three, so
that a mode (four) can overrule it and a single observation (one) cannot.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from tmws_mcp.model import Mode
from tmws_mcp.router.features import Features

Part = Literal["infrastructure", "memory"]

PATTERN_VOTES, MODE_VOTES, OBSERVED_VOTES = 3, 4, 1
USEFUL_SHARE_MIN = 0.5
"""Below it a memory part has found nothing more often than something."""
USEFUL_RUNS_MIN = 5


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that speaks for or against running a part."""

    part: Part
    wanted: bool
    votes: int
    why: str


def balanced(features: Features) -> tuple[Signal, ...]:
    """What the pattern says, unless the state leaves no sense in it."""
    if features.memories == 0:
        return (Signal("memory", False, OBSERVED_VOTES, "nothing is remembered here yet"),)
    return ()


def fast(features: Features) -> tuple[Signal, ...]:
    """As little as answers the query."""
    if features.memories == 0:
        return (Signal("memory", False, MODE_VOTES, "fast: nothing is remembered here"),)
    if _found_often(features):
        return (Signal("memory", True, OBSERVED_VOTES, "its memory part mostly found something"),)
    if not features.asks_remembered:
        return (Signal("memory", False, MODE_VOTES, "fast: the query asks for nothing earlier"),)
    return ()


def comprehensive(features: Features) -> tuple[Signal, ...]:
    """Whatever may help, while there is something to look at."""
    if features.memories == 0:
        return balanced(features)
    return (Signal("memory", True, MODE_VOTES, "comprehensive: memories may add to it"),)


def _found_often(features: Features) -> bool:
    cost = features.costs.get("hybrid")
    return cost is not None and cost.runs >= USEFUL_RUNS_MIN and cost.useful >= USEFUL_SHARE_MIN


MODES: Final[dict[Mode, Callable[[Features], tuple[Signal, ...]]]] = {
    "balanced": balanced,
    "fast": fast,
    "comprehensive": comprehensive,
}
