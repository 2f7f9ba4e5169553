"""What came next in the runs of tasks like this one: each votes by likeness and by success."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import fsum, log

from tmws_mcp.learning.case import SILENT, Case, Forecast
from tmws_mcp.learning.view import View
from tmws_mcp.store.tasks import Run

SUFFIX_MAX = 3
VOTE_EACH_STEP = 4.0
"""A step longer in common counts so many times as much."""
VOTE_OF_USE = 0.02
"""A tool that the run used at all gets this much, wherever it stood."""
VOTES = {"success": 1.0, "failure": 0.5, "unknown": 0.7}
COMPANY_MIN = 0.02
"""A share of the tools of those runs that says no more than none."""
Symbol = tuple[str, bool]


def foresee(view: View, case: Case) -> Forecast:
    """Expect what followed the same steps in those runs."""
    seen = tuple((step.tool, step.ok) for step in case.steps[-SUFFIX_MAX:])
    return view.recent(("similar", case.near, seen), lambda: _voted(view, case.near, seen))


def _voted(view: View, near: tuple[tuple[int, float], ...], seen: tuple[Symbol, ...]) -> Forecast:
    votes: defaultdict[str, float] = defaultdict(float)
    reach = 0
    for likeness, run in view.runs_of(near):
        weight = likeness**2 * VOTES[run.outcome]
        reach = max(reach, _vote(votes, run, seen, weight))
    total = fsum(votes.values())  # exact, so that the order of a set makes no difference
    if not total:
        return SILENT
    return Forecast({tool: vote / total for tool, vote in votes.items()}, reach)


def judge(view: View, case: Case, tools: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
    """Judge the tools by their share in those runs, wherever they stood in them."""
    votes = view.kept(("company", case.near), lambda: _company(view, case))
    return {"company": {tool: votes[tool] for tool in tools if tool in votes}}


def _company(view: View, case: Case) -> dict[str, float]:
    votes: defaultdict[str, float] = defaultdict(float)
    for likeness, run in view.runs_of(case.near):
        for tool in {tool for tool, _ in run.steps}:
            votes[tool] += likeness**2 * VOTES[run.outcome]
    total = fsum(votes.values()) or 1.0
    return {tool: log(vote / total / COMPANY_MIN + 1) for tool, vote in votes.items()}


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
