"""What the router looks at: the words of the query, and the state that the engine passes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tmws_mcp.model import Route

# Words that ask for what was said, decided or done before.
_REMEMBERED = re.compile(
    r"\b(remember(?:ed|s)?|recall(?:ed)?|memor(?:y|ies)|decid(?:e|ed|es)|decision(?:s)?|agreed?|"
    r"previous(?:ly)?|earlier|before|last (?:time|week|month|session)|past|ago|history|noted?|"
    r"learn(?:ed|t)|told|said|mentioned|similar|convention(?:s)?|prefer(?:s|red|ence|ences)?|"
    r"why did|what did|when did|who did|how did|did (?:i|we|you)|have (?:i|we|you))\b",
    re.IGNORECASE,
)
# Words that ask how things are at this moment.
_PRESENT = re.compile(
    r"\b(now|current(?:ly)?|status|state|right now|at the moment|today|still|branch|uncommitted|"
    r"changed|dirty|running|health(?:y)?)\b",
    re.IGNORECASE,
)
QUERY_CHARS_READ = 1_000
"""The question stands at the beginning or is short; the rest is material."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a route was measured to cost for a pattern, and how often it brought something."""

    runs: int
    tokens: float
    milliseconds: float
    useful: float
    """Share of the runs whose memory part found something."""


@dataclass(frozen=True, slots=True)
class Features:
    """All that a routing decision depends on, beside the pattern's own route and the mode."""

    asks_remembered: bool
    asks_present: bool
    memories: int
    """How many memories there are in scope."""
    actions_run: bool = True
    """Whether the pattern's actions exist and can run here."""
    stores: bool = False
    """Whether the pattern changes the memory: then its memory part is no option."""
    costs: Mapping[Route, Cost] = field(default_factory=dict)
    """Measured, where there are measurements; there are no assumed ones."""
    leans: tuple[Route, float] | None = None
    """The route of a pattern that may be meant and may not run on a guess, and the confidence."""
    none: float | None = None
    """How probable the examples make it that no pattern is meant; None where not asked."""


def features(
    query: str,
    *,
    memories: int,
    actions_run: bool = True,
    stores: bool = False,
    costs: Mapping[Route, Cost] | None = None,
    leans: tuple[Route, float] | None = None,
    none: float | None = None,
) -> Features:
    """Return the features of a query in the given state."""
    text = query[:QUERY_CHARS_READ]
    return Features(
        asks_remembered=_REMEMBERED.search(text) is not None,
        asks_present=_PRESENT.search(text) is not None,
        memories=memories,
        actions_run=actions_run,
        stores=stores,
        costs=costs or {},
        leans=leans,
        none=none,
    )
