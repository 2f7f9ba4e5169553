"""What an observation changes in the counts.

Counts of success, recovery and variant change at each step, so that a first observation already
answers. The contexts of the experts wait for the end of the run (learning/runs.py).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tmws_mcp.learning import repairs
from tmws_mcp.learning.durations import bucket
from tmws_mcp.learning.intake import Observation
from tmws_mcp.model import JsonObject
from tmws_mcp.store import evidence
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context, Tally
from tmws_mcp.store.observations import Step

ALL = ("all", "", "")
TOOL = "tool"
TASK_TOOL = "task_tool"
TASK = "task"
REPAIR = "repair"
SEQUENCE = "sequence"
VARIANT = "variant"
EVERYWHERE = ""
OUTSIDE = frozenset({"tests", "exit_code", "user"})
"""Who judges from outside; `self`, or nobody named, is the agent's own word."""


@dataclass(slots=True)
class Changes:
    """What a transaction adds; each slot is written once."""

    contexts: Counter[Context] = field(default_factory=Counter)
    outcomes: dict[Context, Tally] = field(default_factory=dict)
    learned: dict[tuple[str, str], JsonObject] = field(default_factory=dict)
    """(kind, id) -> definition of the learned patterns that moved."""
    variants: dict[str, str] = field(default_factory=dict)
    """Most particular key -> task, of the variants that moved."""
    trails: dict[Context, list[bool]] = field(default_factory=dict)
    """Of each outcome slot, how it went time after time: a sum does not tell when it changed."""
    compared: int = 0
    """How many forecasts were compared with what happened."""
    recounted: bool = False
    """Whether what a View sees has changed."""
    ended: set[int] = field(default_factory=set)
    """Tasks that a run was kept for."""

    def add(self, slot: Context, change: Tally) -> None:
        """Add to the counts of an outcome."""
        self.outcomes.setdefault(slot, Tally()).add(change)
        if change.n == 1:
            self.trails.setdefault(slot, []).append(bool(change.ok))

    def write(self, db: Connection, ns: int, now: float) -> bool:
        """Write the counts down; tells whether others had to make room for them."""
        return evidence.add(db, ns, self.contexts, self.outcomes, now)


def one(
    *, ok: bool, seconds: float | None = None, tokens: int | None = None, judge: str | None = None
) -> Tally:
    """Return the tally of one outcome; `judge` is who says that it went well, or did not."""
    outside = judge in OUTSIDE
    return Tally(
        n=1,
        ok=int(ok),
        tokens=tokens or 0,
        metered=int(tokens is not None),
        durations={} if seconds is None else {bucket(seconds): 1},
        outside_n=int(outside),
        outside_ok=int(outside and ok),
    )


def count_step(changes: Changes, seen: Observation, step: Step, history: Sequence[Step]) -> None:
    """Count a step's success for its tool, its task, its variant and the errors before it."""
    outcome = one(ok=step.ok, seconds=step.seconds, tokens=step.tokens, judge=step.evidence)
    if step.tool:
        changes.add(ALL, one(ok=step.ok))
        changes.add((TOOL, EVERYWHERE, step.tool), outcome)
        if seen.task_key:
            changes.add((TASK_TOOL, seen.task_key, step.tool), outcome)
        _count_attempt(changes, step, history)
    if step.method:
        _count_variant(changes, seen, step.method, outcome)
    if not (step.tool or step.method or seen.ends_only) and seen.task_key:
        changes.add((TASK, seen.task_key, ""), outcome)
    if step.recovery and step.error_template is not None:
        _count_repair(changes, (step,), step.recovery, one(ok=True, judge=step.evidence))


def _count_attempt(changes: Changes, step: Step, history: Sequence[Step]) -> None:
    """A success repairs the errors just before it; a failure is an attempt at the last one."""
    waiting = repairs.pending(history)
    outcome = one(ok=step.ok, judge=step.evidence)
    _count_repair(changes, waiting if step.ok else waiting[-1:], step.tool, outcome)


def _count_repair(changes: Changes, errors: Sequence[Step], tool: str, outcome: Tally) -> None:
    """Count one attempt: an error that came three times in a row was not repaired three times."""
    for key in dict.fromkeys(key for error in errors for key in repairs.counted_keys(error)):
        changes.add((REPAIR, key, tool), outcome)


def variant_keys(seen_task: str, metadata: str) -> tuple[str, ...]:
    """Return the keys that a variant is counted under, the most general first."""
    return tuple(
        key
        for key, known in (
            (EVERYWHERE, True),
            (f"metadata:{metadata}", bool(metadata)),
            (f"task:{seen_task}", bool(seen_task)),
        )
        if known
    )


def _count_variant(changes: Changes, seen: Observation, method: str, outcome: Tally) -> None:
    keys = variant_keys(seen.task_key, seen.metadata)
    for key in keys:
        changes.add((VARIANT, key, method), outcome)
    changes.variants[keys[-1]] = seen.task
