"""After a step: which experts had foreseen it, and was the blend right?"""

from dataclasses import replace

from tmws_mcp.learning import blend, calibration, repairs
from tmws_mcp.learning.case import Case
from tmws_mcp.learning.counting import Changes
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.observations import Step

EACH_STEP_UNTIL = 2_000
"""So many steps of a namespace are all looked at; then the weights have settled."""
EACH = 8
AT_ONCE_MAX = 32
"""A large batch must not hold the write lock for the time of as many forecasts."""


def is_due(ordinal: int, changes: Changes) -> bool:
    """Tell whether the experts are to be compared with this step of the namespace."""
    looked_at = ordinal <= EACH_STEP_UNTIL or ordinal % EACH == 0
    return looked_at and changes.credited < AT_ONCE_MAX


def credit_experts(db: Connection, before: Case, step: Step, changes: Changes) -> None:
    """Credit the experts for what they would have said before this step."""
    for case in _cases(before, step):
        if changes.credited == AT_ONCE_MAX:
            return
        changes.credited += 1
        mixed = blend.blend(db, case)
        if mixed.voices:
            changes.contexts.update(blend.credit(case, mixed, step.tool))
            first = max(sorted(mixed.shares), key=lambda tool: mixed.shares[tool])
            hit = first == step.tool
            changes.contexts.update(calibration.counted(case.want, mixed.shares[first], hit=hit))


def _cases(before: Case, step: Step) -> list[Case]:
    """The step was the next one; and, if it worked, the repair of the errors before it."""
    errors = len(repairs.pending(before.steps)) if step.ok else 0
    ends = (len(before.steps) - back for back in range(errors))
    return [before, *(replace(before, want="recover", steps=before.steps[:end]) for end in ends)]
