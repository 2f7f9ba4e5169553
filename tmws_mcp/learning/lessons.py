"""After a step: what would have been expected, was it right, and whom to trust more from now on?"""

from collections.abc import Mapping
from dataclasses import replace

from tmws_mcp.learning import blend, calibration, repairs
from tmws_mcp.learning.case import Case
from tmws_mcp.learning.counting import Changes
from tmws_mcp.learning.experts import Expert
from tmws_mcp.learning.view import View
from tmws_mcp.learning.weights import Weights
from tmws_mcp.store.observations import Step

EACH_STEP_UNTIL = 10_000
"""So many steps of a namespace are all looked at. With 2,000 the weights had not settled on traces
of hundreds of tools, nor, since errors are few, those for repairs on any traces."""
EACH = 8
AT_ONCE_MAX = 32
"""A large batch must not hold the write lock for the time of as many forecasts."""


def is_due(ordinal: int, changes: Changes) -> bool:
    """Tell whether the experts are to be compared with this step of the namespace."""
    looked_at = ordinal <= EACH_STEP_UNTIL or ordinal % EACH == 0
    return looked_at and changes.compared < AT_ONCE_MAX


def learn(
    view: View,
    weights: Weights,
    before: Case,
    step: Step,
    changes: Changes,
    experts: Mapping[str, Expert],
) -> None:
    """Compare what would have been expected before this step with it, and move the weights.

    What was expected is counted as it stood before anything moves: who has just learned that the
    step was the next one foresees it as a repair, and would seem surer than whoever asks for one.
    """
    cases = _cases(before, step)[: AT_ONCE_MAX - changes.compared]
    changes.compared += len(cases)
    expected = [(case, blend.blend(view, case, weights, experts)) for case in cases]
    for number, (case, mixed) in enumerate(expected):
        if mixed.shares:
            changes.contexts.update(calibration.counted(case, mixed.shares, step.tool))
            if step.tool in mixed.shares:
                _trust_new(changes, mixed, step.tool)
                _move(weights, mixed if number == 0 else _as_of_now(mixed, weights), step.tool)


def _as_of_now(mixed: blend.Blend, weights: Weights) -> blend.Blend:
    """Return what the same experts expect together by now: a case before has moved the weights."""
    weighed = weights.of(mixed.board.situations)
    return replace(mixed, weights=weighed, shares=blend.softmax(mixed.board, weighed))


def _move(weights: Weights, mixed: blend.Blend, happened: str) -> None:
    slope = blend.slope(mixed.board, mixed.shares, happened)
    weights.move(mixed.board.situations, slope)


def _cases(before: Case, step: Step) -> list[Case]:
    """The step was the next one; and, if it worked, the repair of the errors before it."""
    errors = len(repairs.pending(before.steps)) if step.ok else 0
    ends = (len(before.steps) - back for back in range(errors))
    return [before, *(replace(before, want="recover", steps=before.steps[:end]) for end in ends)]


def _trust_new(changes: Changes, mixed: blend.Blend, tool: str) -> None:
    """Count where a tool that was never used before was rightly expected first."""
    if tool in mixed.board.columns.get(blend.NEW, {}) and mixed.shares[tool] == max(
        mixed.shares.values()
    ):
        changes.contexts[blend.TRUST, blend.NEW, blend.NEW] += 1
