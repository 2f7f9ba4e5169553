"""The three modes: what each has to say for or against the parts of a route.

A mode is a function from the features to signals. `balanced` follows the pattern, and gives up a
memory part that was measured not to be worth its cost; `fast` gives it up where nobody asked for
it; `comprehensive` looks into the memory beside an action. A signal's weight is a count of votes:
the pattern itself has three, so that a mode (four) can overrule it and one observation cannot.

What a memory part is worth is measured in tokens. Its cost is what the whole cost more than the
action alone, in tokens and in waiting (TOKENS_PER_SECOND says how much of that is a token); its
benefit is how often it found something, times what such an answer is worth to somebody who would
otherwise ask again. The share is drawn towards a half by PRIOR_RUNS imagined runs, so that a few
bad ones decide nothing, and every RETRY_EVERY-th run tries it again: what is remembered grows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from tmws_mcp.model import Mode
from tmws_mcp.router.features import Cost, Features

Part = Literal["infrastructure", "memory"]

PATTERN_VOTES, MODE_VOTES, OBSERVED_VOTES = 3, 4, 1
PRIOR_RUNS = 4
WEIGHED_RUNS_MIN = 5
RETRY_EVERY = 20
ANSWER_TOKENS = 1_000
"""What a memory part that finds something saves: the call that would ask for it, and its list."""
TOKENS_PER_SECOND = 100
"""Somebody waiting a second is taken to cost as much as this many tokens."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that speaks for or against running a part."""

    part: Part
    wanted: bool
    votes: int
    why: str


@dataclass(frozen=True, slots=True)
class Worth:
    """What the memory part of a hybrid was measured to bring and to cost, in tokens."""

    runs: int
    share: float
    """How often it found something; a half before anything was measured."""
    benefit: float
    cost: float

    @property
    def pays(self) -> bool:
        """Whether it brings more than it costs."""
        return self.benefit >= self.cost

    def __str__(self) -> str:
        """Say it in words."""
        return (
            f"over {self.runs} runs its memory part found something in {self.share:.0%}, "
            f"worth {self.benefit:.0f} tokens, and cost {self.cost:.0f}"
        )


def worth(features: Features) -> Worth | None:
    """Return what the memory part is worth; None where too little was measured."""
    whole = features.costs.get("hybrid")
    if whole is None or whole.runs < WEIGHED_RUNS_MIN:
        return None
    alone = features.costs.get("infrastructure") or Cost(0, 0.0, 0.0, 0.0)
    share = (whole.useful * whole.runs + PRIOR_RUNS / 2) / (whole.runs + PRIOR_RUNS)
    seconds = max(0.0, whole.milliseconds - alone.milliseconds) / 1000
    # Without a run of the action alone, what it costs by itself is not known: half is assumed.
    tokens = whole.tokens - alone.tokens if alone.runs else whole.tokens / 2
    cost = max(0.0, tokens) + TOKENS_PER_SECOND * seconds
    return Worth(whole.runs, share, share * ANSWER_TOKENS, cost)


def balanced(features: Features) -> tuple[Signal, ...]:
    """What the pattern says, unless the state or what was measured leaves no sense in it."""
    if features.memories == 0:
        return (Signal("memory", False, OBSERVED_VOTES, "nothing is remembered here yet"),)
    measured = worth(features)
    if measured is None or measured.pays or features.asks_remembered:
        return ()
    if _runs(features) % RETRY_EVERY == 0:
        return (Signal("memory", True, OBSERVED_VOTES, f"tried again: {measured}"),)
    return (Signal("memory", False, MODE_VOTES, f"balanced: {measured}"),)


def fast(features: Features) -> tuple[Signal, ...]:
    """As little as answers the query."""
    if features.memories == 0:
        return (Signal("memory", False, MODE_VOTES, "fast: nothing is remembered here"),)
    measured = worth(features)
    if measured and measured.pays and measured.share >= 1 / 2:
        return (Signal("memory", True, OBSERVED_VOTES, str(measured)),)
    if not features.asks_remembered:
        return (Signal("memory", False, MODE_VOTES, "fast: the query asks for nothing earlier"),)
    return ()


def comprehensive(features: Features) -> tuple[Signal, ...]:
    """Whatever may help, while there is something to look at."""
    if features.memories == 0:
        return balanced(features)
    return (Signal("memory", True, MODE_VOTES, "comprehensive: memories may add to it"),)


def _runs(features: Features) -> int:
    """Return how often any route was run: what counts the runs until it is tried again."""
    return sum(cost.runs for cost in features.costs.values())


MODES: Final[dict[Mode, Callable[[Features], tuple[Signal, ...]]]] = {
    "balanced": balanced,
    "fast": fast,
    "comprehensive": comprehensive,
}
