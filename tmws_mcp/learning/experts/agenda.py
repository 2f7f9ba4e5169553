"""What the runs of tasks like this one did that the running session has not done yet.

An n-gram sees the last few steps; this expert sees all that were told, in whatever order they came.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import islice

from tmws_mcp.learning.case import SILENT, Case, Forecast
from tmws_mcp.learning.experts.similar import Symbol, past
from tmws_mcp.learning.view import View

RUNS_MAX = 12
"""Of the nearest tasks' runs; more told no more, on traces of seven kinds of agents."""
LATER = 0.5
"""What a run did one missing step later counts half as much."""
MISSING_MAX = 5
"""Missing steps of a run that are looked at."""


def foresee(view: View, case: Case) -> Forecast:
    """Expect what those runs did first of what is missing here."""
    done = Counter(step.tool for step in case.steps)
    votes: defaultdict[str, float] = defaultdict(float)
    before = past(view, case)
    for steps, weight in islice(zip(before.runs, before.weights, strict=True), RUNS_MAX):
        for place, tool in enumerate(_missing(steps, done)):
            votes[tool] += weight * LATER**place
    total = sum(votes.values())
    return Forecast({tool: vote / total for tool, vote in votes.items()}) if total else SILENT


def _missing(steps: tuple[Symbol, ...], done: Mapping[str, int]) -> list[str]:
    """Return the first steps of a run that the session has not taken as often."""
    left, missing = dict(done), list[str]()
    for tool, _ in steps:
        if left.get(tool):
            left[tool] -= 1
        else:
            missing.append(tool)
            if len(missing) == MISSING_MAX:
                break
    return missing
