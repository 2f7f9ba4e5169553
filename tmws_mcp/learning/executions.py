"""Executions of authored patterns are observed: so the loop closes.

Each one is counted for its pattern, which the alarm then watches too. A pattern that says what task
it is done for (a promoted one does) is observed step by step as well, in a session of its own: its
runs so stand beside those of agents, and move the evidence of the learned pattern that it came
from. Of a pattern without a task, the tools of other servers that it called are observed. What was
left to the caller was not done here, and is not counted.
"""

from tmws_mcp.learning import learned, pausing, sessions, wording
from tmws_mcp.learning.counting import SEQUENCE, Changes, one
from tmws_mcp.learning.drift import PATTERN
from tmws_mcp.learning.durations import median
from tmws_mcp.learning.kinds import task_sequence
from tmws_mcp.model import Interaction, ObserveRequest, Scope
from tmws_mcp.model.learned import Execution
from tmws_mcp.store import evidence, namespaces
from tmws_mcp.store import learned as table
from tmws_mcp.store.driver import Connection

SESSION = "pattern"
EVERYWHERE = ""


def record(db: Connection, execution: Execution, scope: Scope, now: float) -> bool:
    """Record an execution; False where nothing may be, or can be, observed.

    Without a task nothing else depends on the counts: the generation stays, and with it the answers
    that are cached.
    """
    ns = namespaces.find(db, scope.namespace)
    if ns is None or pausing.reason(db, ns) is not None:
        return False
    changes = Changes()
    if execution.ok is not None:
        outcome = one(ok=execution.ok, seconds=execution.seconds)
        changes.add((PATTERN, EVERYWHERE, execution.pattern), outcome)
        if execution.variant:
            side = f"{execution.pattern}@{execution.variant}"
            changes.add((PATTERN, EVERYWHERE, side), outcome)
    if execution.task or any(step.called for step in execution.steps):
        sessions.observe(db, _observation(execution), scope, connection="", now=now)
    if execution.task:
        _count_failure(db, ns, execution, changes)
    changes.write(db, ns, now)
    learned.keep(db, ns, changes, now)
    return True


def in_words(db: Connection, pattern: str, scope: Scope) -> str | None:
    """Say how the executions of a pattern went, None where none was observed."""
    ns = namespaces.find(db, scope.namespace)
    if ns is None:
        return None
    tally = evidence.tally(db, ns, PATTERN, EVERYWHERE, pattern)
    took = median(tally.durations)
    if not tally.n or took is None:
        return None
    return f"{wording.worked(tally)}, {wording.seconds(took)} each (median)"


def _observation(execution: Execution) -> ObserveRequest:
    steps = [
        Interaction(
            tool_used=step.tool, success=step.ok, error=step.error, execution_time=step.seconds
        )
        for step in execution.steps
        if execution.task or step.called
    ]
    whole = Interaction(
        method=execution.pattern,
        success=execution.ok is not False,
        execution_time=execution.seconds,
        outcome="unknown" if execution.ok is None else "success" if execution.ok else "failure",
    )
    if execution.ok is None or not execution.task:
        whole = Interaction(outcome="unknown")
    return ObserveRequest(
        session_id=f"{SESSION}:{execution.pattern}:{execution.run}",
        task=execution.task,
        interactions=(*steps, whole),
    )


def _count_failure(db: Connection, ns: int, execution: Execution, changes: Changes) -> None:
    """Count a failure for the sequence that was meant: what was done of it is another sequence."""
    if execution.ok is not False or execution.promoted_from is None:
        return
    found = table.find(db, ns, execution.promoted_from)
    if found is not None and found.kind == task_sequence.KIND:
        slot = task_sequence.slot(found.definition)
        assert slot[0] == SEQUENCE
        changes.add(slot, one(ok=False))
