"""What came next in the runs of tasks like this one: each votes by likeness and by success.

A session asks at each step, and the runs stay the same: they are made ready once (`Past`), so that
a step only looks at the places where a run had done the same.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import fsum, log

from tmws_mcp.learning.case import SILENT, Case, Forecast
from tmws_mcp.learning.view import View
from tmws_mcp.store.tasks import Run

SUFFIX_MAX = 3
VOTE_OF_STEP = 0.5
VOTE_EACH_STEP = 4.0
"""A step longer in common counts so many times as much."""
VOTE_OF_USE = 0.02
"""A tool that the run used at all gets this much, wherever it stood."""
VOTES = {"success": 1.0, "failure": 0.5, "unknown": 0.7}
COMPANY_MIN = 0.02
"""A share of the tools of those runs that says no more than none."""
PASTS_MAX = 16
"""Kept at once: each may hold the places of thousands of steps."""
Symbol = tuple[str, bool]
Votes = dict[str, list[tuple[int, float]]]
"""Tool -> number of the run and how much it votes, in the order of the runs."""


@dataclass(slots=True)
class Past:
    """The runs of tasks like one, ready to be asked what came next."""

    runs: list[tuple[Symbol, ...]] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    used_in: defaultdict[str, list[int]] = field(default_factory=partial(defaultdict, list))
    """Tool -> numbers of the runs that used it."""
    usual: defaultdict[str, float] = field(default_factory=partial(defaultdict, float))
    """Tool -> its votes for having been used at all."""
    _after: Mapping[Symbol, Sequence[tuple[int, int]]] | None = None

    def add(self, run: Run, weight: float) -> None:
        """Add a run that votes with this weight."""
        number, vote = len(self.runs), weight * VOTE_OF_USE
        self.runs.append(run.steps)
        self.weights.append(weight)
        for tool in {tool for tool, _ in run.steps}:
            self.used_in[tool].append(number)
            self.usual[tool] += vote

    def after(self, step: Symbol) -> Sequence[tuple[int, int]]:
        """Return number of the run and place in it of what came next, each time it was done.

        Looked for once all runs are there, and not by a session's first question, which has most
        to do and asks about no step.
        """
        if self._after is None:
            self._after = self._followers()
        return self._after.get(step, ())

    def _followers(self) -> Mapping[Symbol, Sequence[tuple[int, int]]]:
        after: defaultdict[Symbol, list[tuple[int, int]]] = defaultdict(list)
        for number, steps in enumerate(self.runs):
            for place, step in enumerate(steps[:-1], 1):
                after[step].append((number, place))
        return dict(after)


def foresee(view: View, case: Case) -> Forecast:
    """Expect what followed the same steps in those runs."""
    seen = tuple((step.tool, step.ok) for step in case.steps[-SUFFIX_MAX:])
    return view.recent(("similar", case.near, seen), lambda: voted(past(view, case), seen))


def judge(view: View, case: Case, tools: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
    """Judge the tools by their share in those runs, wherever they stood in them."""
    votes = view.kept(("company", case.near), lambda: _company(past(view, case)))
    company = {tool: votes[tool] for tool in tools if tool in votes}
    return {"company": company, "company_unused": case.unused(company)}


def past(view: View, case: Case) -> Past:
    """Return the runs of the tasks like this one, made ready."""
    return view.recent(("past", case.near), lambda: _read(view, case), most=PASTS_MAX)


def _read(view: View, case: Case) -> Past:
    made = Past()
    for likeness, run in view.runs_of(case.near):
        made.add(run, likeness**2 * VOTES[run.outcome])
    return made


def voted(past: Past, seen: tuple[Symbol, ...]) -> Forecast:
    """Expect what came in these runs after the steps that were seen last."""
    votes, reach = _next_steps(past, seen) if seen else (_first_steps(past), 0)
    totals = past.usual | {tool: _total(past, tool, its) for tool, its in votes.items()}
    total = fsum(totals.values())  # exact, so that the order of a set makes no difference
    if not total:
        return SILENT
    return Forecast({tool: vote / total for tool, vote in totals.items()}, reach)


def _first_steps(past: Past) -> Votes:
    votes: Votes = {}
    for number, steps in enumerate(past.runs):
        if steps:
            votes.setdefault(steps[0][0], []).append((number, past.weights[number] * VOTE_OF_STEP))
    return votes


def _next_steps(past: Past, seen: tuple[Symbol, ...]) -> tuple[Votes, int]:
    """Return the votes of the runs that did the same, and how much they had in common at most."""
    votes: Votes = {}
    longest, runs, weights = 0, past.runs, past.weights
    earlier = list(enumerate(reversed(seen[:-1]), 2))
    for number, place in past.after(seen[-1]):
        steps, common = runs[number], 1
        for back, step in earlier:
            if place < back or steps[place - back] != step:
                break
            common = back
        vote = weights[number] * VOTE_OF_STEP * VOTE_EACH_STEP ** (common - 1)
        votes.setdefault(steps[place][0], []).append((number, vote))
        longest = max(longest, common)
    return votes, longest


def _total(past: Past, tool: str, votes: Sequence[tuple[int, float]]) -> float:
    """Return the sum run by run, as all have always summed: sums of floats depend on the order."""
    total, given = 0.0, 0
    for number in past.used_in[tool]:
        while given < len(votes) and votes[given][0] == number:
            total += votes[given][1]
            given += 1
        total += past.weights[number] * VOTE_OF_USE
    return total


def _company(past: Past) -> dict[str, float]:
    votes = dict.fromkeys(past.used_in, 0.0)
    for tool, numbers in past.used_in.items():
        for number in numbers:
            votes[tool] += past.weights[number]
    total = fsum(votes.values()) or 1.0
    return {tool: log(vote / total / COMPANY_MIN + 1) for tool, vote in votes.items()}
