"""Many experts -> one: each column is weighed, and the sums become probabilities.

It is a conditional logit: a tool's score is the sum of its columns times their weights, the
probabilities are the scores' softmax. The weights of a case are sums over the situations that it
is in, so that an expert can be trusted more where it has seen more. They begin with weights that
were fitted on traces of other agents (benchmarks/learning) and follow, step by step, what happens
here (AdaGrad); they are local to a store and never merged, unlike the counts beneath.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from math import exp, fsum, inf
from operator import mul
from typing import cast
from zlib import crc32

from tmws_mcp.learning.case import Case, Forecast
from tmws_mcp.learning.experts import EXPERTS, Expert
from tmws_mcp.learning.experts.vocabulary import EVERY, TASK
from tmws_mcp.learning.odds import strengths
from tmws_mcp.learning.shares import likeliest
from tmws_mcp.learning.view import View
from tmws_mcp.learning.weights import Weights

TRUST, NEW = "trust", "new"
"""Kind of the counts of how often a tool was rightly expected that was never used before."""
NEW_TRUST_MIN = 3
"""A tool that was never used is named only after so many such tools were rightly foreseen here."""
TOOLS_MAX = 96
"""So many tools are judged: of thousands that can be called, those that experts propose."""

NEAR, NEARER, SAME = 0.25, 0.6, 0.98
"""Likenesses of the nearest task that make a difference to whom to trust."""
FEW_RUNS, SOME_RUNS, MANY_RUNS = 5, 20, 80
AFTER, AFTER_MAX = "after ", 128
"""The last tools share so many rows of weights, as their names' checksums fall."""


@dataclass(frozen=True, slots=True)
class Board:
    """What the experts say of a case."""

    tools: tuple[str, ...]
    columns: Mapping[str, Mapping[str, float]]
    situations: tuple[str, ...]
    forecasts: Mapping[str, Forecast] = field(default_factory=dict)
    """Of the experts that forecast and are not silent."""


@dataclass(frozen=True, slots=True)
class Blend:
    """What the experts expect together."""

    board: Board
    weights: Mapping[str, float]
    shares: dict[str, float]
    """Tool -> probability that it is the right one."""

    def voice(self, tool: str, experts: Mapping[str, Expert] = EXPERTS) -> str:
        """Return the expert that speaks most for a tool."""
        weights, columns = self.weights, self.board.columns
        loudest, most = "", -inf
        for name, expert in experts.items():
            said = 0.0
            for column in expert.columns:
                if column in columns:
                    said += weights.get(column, 0.0) * columns[column].get(tool, 0.0)
            if said > most:
                loudest, most = name, said
        return loudest


def blend(
    view: View, case: Case, weights: Weights, experts: Mapping[str, Expert] = EXPERTS
) -> Blend:
    """Return what the experts expect together; no shares where none has anything to say."""
    said = _asked_just_now(view, case, experts)
    if said is not None and not weights.changed:
        return said
    made = said.board if said is not None else board(view, case, experts)
    weighed = weights.of(made.situations)
    return Blend(made, weighed, softmax(made, weighed))


def blend_asked(
    view: View, case: Case, weights: Weights, experts: Mapping[str, Expert] = EXPERTS
) -> Blend:
    """Return the same, and keep it: what is asked about is observed next."""
    mixed = blend(view, case, weights, experts)
    view.put_case((case, experts, mixed))
    return mixed


def _asked_just_now(view: View, case: Case, experts: Mapping[str, Expert]) -> Blend | None:
    said = cast("tuple[Case, Mapping[str, Expert], Blend] | None", view.last_case())
    if said is None or said[1] is not experts or said[0] != case:
        return None
    return said[2]


def board(view: View, case: Case, experts: Mapping[str, Expert] = EXPERTS) -> Board:
    """Ask every expert."""
    forecasts = {
        name: forecast
        for name, expert in experts.items()
        if expert.foresee and (forecast := expert.foresee(view, case)).shares
    }
    tools = _tools(case, forecasts, experts)
    columns: dict[str, Mapping[str, float]] = {}
    for name, expert in experts.items():
        if expert.judge:
            columns.update(expert.judge(view, case, tools))
        elif name in forecasts and expert.columns:
            columns[expert.columns[0]] = strengths(forecasts[name].shares, tools)
    return Board(tools, columns, situations(view, case, forecasts), forecasts)


def _tools(
    case: Case, forecasts: Mapping[str, Forecast], experts: Mapping[str, Expert]
) -> tuple[str, ...]:
    """Return the tools to judge: what can be called, else what an expert proposes."""
    if case.available and len(case.available) <= TOOLS_MAX:
        return case.available
    proposed = [
        tool
        for name, forecast in forecasts.items()
        for tool in likeliest(forecast.shares, experts[name].proposes)
    ]
    if case.available:
        allowed = frozenset(case.available)
        proposed = [tool for tool in proposed if tool in allowed] + list(case.available)
    return tuple(dict.fromkeys(proposed))[:TOOLS_MAX]


def situations(view: View, case: Case, forecasts: Mapping[str, Forecast]) -> tuple[str, ...]:
    """Return what the case is like, in the respects that decide whom to trust."""
    reach = {name: forecast.reach for name, forecast in forecasts.items()}
    likeness = case.near[0][1] if "similar" in reach else -1.0
    near = _rank(likeness, (0.0, NEAR, NEARER, SAME))
    runs = view.followers(TASK, (EVERY,))[0].get(EVERY, 0)
    taken = min(len(case.steps), 2)
    found = (
        "any",
        f"ngram {reach.get('ngram', -1)}",
        f"near {near} {min(reach.get('similar', 0), 2)}",
        f"step {taken} {'failed' if case.failed else 'ok'}",
        f"listed {int(bool(case.available))}",
        f"turn {int(bool(case.turn_words))} {case.is_new_turn}",
        f"row {min(case.row, 3)} {'failed' if case.failed else 'ok'}",
        f"runs {_rank(runs, (FEW_RUNS, SOME_RUNS, MANY_RUNS))}",
        f"{AFTER}{crc32(case.last.encode()) % AFTER_MAX}",
    )
    if case.want != "recover":
        return found
    return (*found, "recover", f"recover {reach.get('recovery', -1)}")


def _rank(value: float, bounds: Sequence[float]) -> int:
    return sum(value >= bound for bound in bounds)


def softmax(made: Board, weights: Mapping[str, float]) -> dict[str, float]:
    """Return the probabilities of the tools under these weights."""
    scores = dict.fromkeys(made.tools, 0.0)
    for column, values in made.columns.items():
        weight = weights.get(column, 0.0)
        if weight:
            for tool, value in values.items():
                if tool in scores:
                    scores[tool] += weight * value
    if not scores:
        return {}
    top = max(scores.values())
    raised = {tool: exp(score - top) for tool, score in scores.items()}
    total = fsum(raised.values())
    return {tool: value / total for tool, value in raised.items()}


def slope(made: Board, shares: Mapping[str, float], happened: str) -> dict[str, float]:
    """Return for each column by how much it was overrated: expected value less the real one."""
    of = shares.get
    return {
        column: sum(map(mul, map(of, values, repeat(0.0)), values.values()))
        - values.get(happened, 0.0)
        for column, values in made.columns.items()
    }


def trusts_new(view: View) -> bool:
    """Tell whether tools that were never used before have been rightly foreseen often enough."""
    return view.outcomes.track(TRUST, (NEW,))[NEW].get(NEW, 0) >= NEW_TRUST_MIN
