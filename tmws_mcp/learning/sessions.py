"""Observations come in: each is written down and counted in the transaction that acknowledges it.

A session is named by its caller, or there is one for each connection. It ends with an outcome, with
its connection, or after half an hour of silence; what follows under the same name is its next run.
"""

from tmws_mcp.learning import intake, learned, repairs, runs
from tmws_mcp.learning.case import Case
from tmws_mcp.learning.counting import TASK, Changes, count_step, one
from tmws_mcp.learning.crediting import credit_experts, is_due
from tmws_mcp.learning.intake import Observation
from tmws_mcp.learning.kinds import error_recovery, performance, tool_usage
from tmws_mcp.learning.neighbours import nearest
from tmws_mcp.model import ObserveReply, ObserveRequest, Scope
from tmws_mcp.store import namespaces, observations, tasks
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.observations import Session, Step

AREA = "learning"
IDLE_SECONDS = 30 * 60
CLOSED_AT_ONCE_MAX = 50
"""Idle sessions closed by one call: closing counts, and must not hold the write lock for long."""


def observe(
    db: Connection, request: ObserveRequest, scope: Scope, *, connection: str, now: float
) -> ObserveReply:
    """Write down what happened, count it, and say what was learned.

    Raises:
        InvalidInput: An interaction says nothing to learn from.
    """
    seen = [
        intake.observation(sent, connection=connection) for sent in intake.interactions(request)
    ]
    ns = namespaces.ensure(db, scope.namespace, now)
    changes = Changes()
    observed = sum(
        _take(db, ns, observation, changes, connection=connection, now=now) for observation in seen
    )
    changes.write(db, ns, now)
    for key, task in changes.variants.items():
        performance.note(db, ns, changes, key, task)
    if observed:
        namespaces.touch(db, ns, AREA)
    return ObserveReply(
        observed=observed,
        session_id=seen[-1].session,
        learned=learned.keep(db, ns, changes, now),
        scope=scope,
    )


def end_connection(db: Connection, connection: str, now: float) -> int:
    """Close what lived with a connection, and return how many sessions that were."""
    open_sessions = observations.open_of_connection(db, connection)
    for session in open_sessions:
        _close(db, session, now)
    return len(open_sessions)


def close_idle(db: Connection, now: float) -> int:
    """Close sessions that nothing was heard of for a while, and return how many."""
    idle = observations.idle_since(db, now - IDLE_SECONDS, CLOSED_AT_ONCE_MAX)
    for session in idle:
        _close(db, session, now)
    return len(idle)


def _close(db: Connection, session: Session, now: float) -> None:
    changes = Changes()
    runs.end_run(db, session, changes, outcome="unknown", now=now)
    changes.write(db, session.ns, now)
    learned.keep(db, session.ns, changes, now)
    namespaces.touch(db, session.ns, AREA)


def _take(
    db: Connection, ns: int, seen: Observation, changes: Changes, *, connection: str, now: float
) -> int:
    """Take in one interaction; returns 1 if it was new, 0 if it is a repeat."""
    session = _session(db, ns, seen, changes, connection=connection, now=now)
    if seen.step is None:
        return _take_end(db, session, seen, changes, now)
    known = observations.run_of_step(db, session, seen.step.number)
    run = _take_step(db, session, seen, seen.step, changes, now) if known is None else known
    # What is told of a run that has ended already must not end the one that goes on.
    ended = seen.outcome is not None and run == session.run
    return max(int(known is None), _take_end(db, session, seen, changes, now) if ended else 0)


def _session(
    db: Connection, ns: int, seen: Observation, changes: Changes, *, connection: str, now: float
) -> Session:
    found = observations.find_session(db, ns, seen.session)
    if found is None:
        own = connection if seen.session == intake.session_name("", connection=connection) else None
        return observations.open_session(db, ns, seen.session, connection=own, now=now)
    if found.is_open and now - found.last_at > IDLE_SECONDS:
        runs.end_run(db, found, changes, outcome="unknown", now=now)
        return _again(db, found)
    return found


def _again(db: Connection, session: Session) -> Session:
    found = observations.find_session(db, session.ns, session.name)
    assert found is not None
    return found


def _take_step(
    db: Connection, session: Session, seen: Observation, step: Step, changes: Changes, now: float
) -> int:
    """Take in a new step, and return the run that it belongs to."""
    run, position = observations.place(db, session, step.number)
    if run == session.run:
        session = _begun(db, session, seen, now)
    history = observations.history(db, session, run=run, before=position)
    ordinal = observations.add_step(db, session, step, run=run, position=position, now=now)
    if step.tool and is_due(ordinal, changes):
        credit_experts(db, _case(session, seen, history), step, changes)
    count_step(changes, seen, step, history)
    _note(changes, seen, step, history)
    _count_what_waits(db, session, run, changes, now)
    return run


def _case(session: Session, seen: Observation, history: tuple[Step, ...]) -> Case:
    return Case(
        session.ns,
        "next",
        history,
        task=seen.task_key,
        near=session.near,
        available=frozenset(intake.tool_names(seen.available)),
        words=intake.case_words(seen.task, seen.turn),
    )


def _count_what_waits(
    db: Connection, session: Session, run: int, changes: Changes, now: float
) -> None:
    """Count contexts before the end where a step came late, or where the run is long."""
    if run != session.run:
        runs.take_late(db, session, run, changes, now)
    elif observations.uncounted(db, session, run) >= runs.COUNTED_AT_ONCE_MAX:
        runs.count_contexts(db, session, run, changes)


def _begun(db: Connection, session: Session, seen: Observation, now: float) -> Session:
    """Return the session with the newest step's time, and with its run's task where that is new."""
    observations.move_session(db, session, now=now)
    if seen.task_key:
        task = tasks.ensure(
            db, session.ns, seen.task_key, seen.task, intake.case_words(seen.task), now
        )
        if session.task is None:
            near = nearest(db, session.ns, seen.task)
            observations.set_task(db, session, task, near)
            return _again(db, session)
    return session


def _take_end(
    db: Connection, session: Session, seen: Observation, changes: Changes, now: float
) -> int:
    """End the run; an end without a task for a session that has ended already is a repeat."""
    assert seen.outcome is not None
    session = _again(db, session)
    if seen.ends_only and seen.task_key:
        if seen.step is None:
            session = _begun(db, session, seen, now)
        outcome = one(ok=seen.outcome == "success", seconds=seen.seconds, tokens=seen.tokens)
        if seen.outcome != "unknown":
            changes.add((TASK, seen.task_key, ""), outcome)
    elif not session.is_open:
        return 0
    runs.end_run(db, session, changes, outcome=seen.outcome, now=now)
    return 1


def _note(changes: Changes, seen: Observation, step: Step, history: tuple[Step, ...]) -> None:
    """Note which patterns the step shows."""
    if step.recovery and step.error_template is not None:
        error_recovery.note(changes, step, step.recovery)
    if not (step.ok and step.tool):
        return
    if seen.task_key:
        tool_usage.note(changes, seen.task_key, seen.task, step.tool)
    for error in repairs.pending(history):
        error_recovery.note(changes, error, step.tool)
