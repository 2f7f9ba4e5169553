"""Has something that used to work got worse, or better? Page-Hinkley on each slot of outcomes.

The test adds up by how much each outcome stays behind what was usual (Page, 1954; Hinkley, 1971),
falls back to nothing where that turns out to be chance, and raises the alarm over a threshold. What
was usual is the share of successes before the suspicion arose, so that the failures themselves do
not lower what they are measured by. Allowance and threshold grow with the variance of a share: one
pair of constants for all shares would either miss .9 -> .6 or cry wolf at .5. The same sum below
nothing adds up by how much outcomes are ahead: one direction is looked into at a time.

In `make bench-drift` a fall from .95 to .3 is noticed after some 11 observations and one from .9 to
.6 after some 30, a rise from .3 to .95 after some 20.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import sqrt

from tmws_mcp.learning import wording
from tmws_mcp.learning.counting import REPAIR, SEQUENCE, TASK_TOOL, TOOL, VARIANT
from tmws_mcp.model import Scope
from tmws_mcp.store import drift, evidence, namespaces
from tmws_mcp.store.counted import Counted
from tmws_mcp.store.drift import Changed, Watched
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context

PATTERN = "pattern"
"""Executions of an authored pattern (learning/executions.py)."""
WATCHED = frozenset({TOOL, TASK_TOOL, SEQUENCE, VARIANT, REPAIR, PATTERN})
MAY_MEND = WATCHED - {REPAIR}
"""A repair's counts also say how often it is what helps: getting better must not cost it them."""
USUAL_RUNS_MIN = 10
"""Before, nothing is usual yet."""
BAD_RUNS_MIN = 20
"""The same for a rise: what begins with bad luck would seem to get better."""
ALLOWED, ALLOWED_OF_VARIANCE = 0.1, 0.2
"""A share may stay behind by so much without arousing suspicion."""
ALARM, ALARM_OF_VARIANCE = 5.0, 10.0
LATELY_DAYS = 14
TOLD_MAX = 5
DOUBT = 0.5
"""Standard errors by which a share seen a few times may be overrated."""
DOUBT_OF_RISE = 1.5
"""The same by which it may be underrated."""


def after(state: Watched, *, ok: bool, may_mend: bool = True) -> Watched:
    """Return the state after one more outcome."""
    if not state.suspicion:
        state = replace(state, suspect_n=state.n, suspect_ok=state.ok)
    runs, suspicion = state.suspect_n - state.before_n, 0.0
    if runs >= USUAL_RUNS_MIN:
        usual, error = _usual(state)
        allowed = ALLOWED + ALLOWED_OF_VARIANCE * usual * (1 - usual)
        may_rise = may_mend and runs >= BAD_RUNS_MIN
        ahead = ok - usual - DOUBT_OF_RISE * error - allowed if may_rise else 0.0
        suspicion = _added(state.suspicion, usual - DOUBT * error - ok - allowed, ahead)
    return replace(state, n=state.n + 1, ok=state.ok + ok, suspicion=suspicion)


def _added(suspicion: float, behind: float, ahead: float) -> float:
    """Return the suspicion after an outcome: above 0 of a fall, below of a rise."""
    if suspicion > 0:
        return max(0.0, suspicion + behind)
    if suspicion < 0:
        return min(0.0, suspicion - ahead)
    return behind if behind > 0 else min(0.0, -ahead)


def is_alarming(state: Watched) -> bool:
    """Tell whether the state is past chance."""
    usual, _ = _usual(state)
    return abs(state.suspicion) > ALARM + ALARM_OF_VARIANCE * usual * (1 - usual)


def _usual(state: Watched) -> tuple[float, float]:
    """Return the share of successes since the last change, and its standard error."""
    n, ok = state.suspect_n - state.before_n, state.suspect_ok - state.before_ok
    share = (ok + 1) / (n + 2)
    return share, sqrt(share * (1 - share) / (n + 2))


def watch(
    db: Connection,
    ns: int,
    counted: Mapping[Context, Counted],
    trails: Mapping[Context, Sequence[bool]],
    now: float,
) -> tuple[Context, ...]:
    """Look at what was just counted, and return the slots that have changed."""
    states = {slot: counted[slot].own for slot in trails if slot[0] in WATCHED and slot in counted}
    return tuple(
        slot
        for slot, own in states.items()
        if own is not None and _watch(db, ns, slot, own, trails[slot], now)
    )


def _watch(
    db: Connection, ns: int, slot: Context, found: Watched, trail: Sequence[bool], now: float
) -> bool:
    state = replace(found, n=found.n - len(trail), ok=found.ok - sum(trail))
    for ok in trail:
        state = after(state, ok=ok, may_mend=slot[0] in MAY_MEND)
        if is_alarming(state):
            drift.open_epoch(db, ns, slot, state, now)
            return True
    if state.suspicion or found.suspicion:
        drift.suspect(db, ns, slot, state)
    return False


def regressions(db: Connection, scope: Scope, now: float) -> tuple[str, ...]:
    """Say what got worse lately in a namespace, the newest first; each thing once."""
    ns = namespaces.find(db, scope.namespace)
    if ns is None:
        return ()
    lately = falls(db, ns, now - LATELY_DAYS * 86_400, TOLD_MAX)
    return tuple(
        f"{_named(found)} {said}{f' [{found.pattern}]' if found.pattern else ''}"
        for found, said in lately
    )


def _named(found: Changed) -> str:
    kind, _, action = found.slot
    named = {
        SEQUENCE: "a sequence of tools", PATTERN: f"pattern {action}", VARIANT: f"method {action}",
        REPAIR: f"{action} as a repair", TASK_TOOL: f"tool {action} on a task",
    }  # fmt: skip
    return named.get(kind, f"tool {action}")


def falls(db: Connection, ns: int, since: float, limit: int) -> tuple[tuple[Changed, str], ...]:
    """Return what got worse since then, the newest first, each with its counts in words."""
    return tuple(
        (found, wording.worked(evidence.tally(db, ns, *found.slot)))
        for found in drift.fallen_since(db, ns, since, limit)
    )
