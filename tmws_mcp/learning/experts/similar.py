"""What came next in the runs of tasks like this one: each votes by likeness and by success."""

from collections import defaultdict
from math import fsum

from tmws_mcp.learning.case import SILENT, Case, Forecast
from tmws_mcp.store import tasks
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.tasks import Run

RUNS_EACH = 6
SUFFIX_MAX = 3
VOTE_EACH_STEP = 4.0
"""A step longer in common counts so many times as much."""
VOTE_OF_USE = 0.02
"""A tool that the run used at all gets this much, wherever it stood."""
VOTES = {"success": 1.0, "failure": 0.5, "unknown": 0.7}
Symbol = tuple[str, bool]


def foresee(db: Connection, case: Case) -> Forecast:
    """Expect what followed the same steps in those runs."""
    votes: defaultdict[str, float] = defaultdict(float)
    seen = tuple((step.tool, step.ok) for step in case.steps[-SUFFIX_MAX:])
    reach = 0
    for task, similarity in case.near:
        for run in tasks.runs(db, task, RUNS_EACH):
            weight = similarity**2 * VOTES[run.outcome]
            reach = max(reach, _vote(votes, run, seen, weight))
    total = fsum(votes.values())  # exact, so that the order of a set makes no difference
    if not total:
        return SILENT
    return Forecast({tool: vote / total for tool, vote in votes.items()}, reach)


def _vote(votes: defaultdict[str, float], run: Run, seen: tuple[Symbol, ...], weight: float) -> int:
    steps, longest = run.steps, 0
    if not seen and steps:
        votes[steps[0][0]] += weight * 0.5
    for number in range(1, len(steps)) if seen else ():
        if steps[number - 1] == seen[-1]:
            common = _common(steps, number, seen)
            votes[steps[number][0]] += weight * 0.5 * VOTE_EACH_STEP ** (common - 1)
            longest = max(longest, common)
    for tool in {tool for tool, _ in steps}:
        votes[tool] += weight * VOTE_OF_USE
    return longest


def _common(steps: tuple[Symbol, ...], end: int, seen: tuple[Symbol, ...]) -> int:
    """Return how many of the steps before `end` are the last ones seen."""
    common, most = 0, min(end, len(seen))
    while common < most and steps[end - 1 - common] == seen[-1 - common]:
        common += 1
    return common
