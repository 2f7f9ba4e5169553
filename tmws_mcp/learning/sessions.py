"""Observations come in: each is written down and counted in the transaction that acknowledges it.

A session is named by its caller, or there is one for each connection. It ends with an outcome, with
its connection, or after half an hour of silence; what follows under the same name is its next run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tmws_mcp.learning import intake, learned, lessons, repairs, runs, view
from tmws_mcp.learning.case import Case
from tmws_mcp.learning.counting import TASK, Changes, count_step, one
from tmws_mcp.learning.experts import EXPERTS, Expert
from tmws_mcp.learning.intake import Observation
from tmws_mcp.learning.kinds import error_recovery, performance, tool_usage
from tmws_mcp.learning.learned import Keeping
from tmws_mcp.learning.neighbours import nearest
from tmws_mcp.learning.outcomes import Counts
from tmws_mcp.learning.view import Shelf, View, near_key
from tmws_mcp.learning.weights import Weights
from tmws_mcp.model import LearnedSummary, ObserveReply, ObserveRequest, Scope
from tmws_mcp.store import namespaces, observations, tasks
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.observations import Session, Step
from tmws_mcp.store.tasks import Near

AREA = view.LEARNING
IDLE_SECONDS = 30 * 60
CLOSED_AT_ONCE_MAX = 50
"""Idle sessions closed by one call: closing counts, and must not hold the write lock for long."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the interactions of one transaction are taken in with."""

    db: Connection
    ns: int
    view: View
    weights: Weights
    connection: str
    now: float
    experts: Mapping[str, Expert]
    changes: Changes = field(default_factory=Changes)

    def write(self, observed: int) -> tuple[LearnedSummary, ...]:
        """Write down what so many new interactions change; return what of it is worth telling."""
        db, ns, changes = self.db, self.ns, self.changes
        pruned = changes.write(db, ns, self.now)
        weights = self.weights.save()
        if changes.recounted or pruned:
            self.view.move(changes.contexts, changes.ended, pruned=pruned)
        for key, task in changes.variants.items():
            performance.note(db, ns, changes, key, task)
        kept = learned.keep(db, ns, changes, self.now)
        # A repeat is nothing new, but may have ended a run that was idle.
        if observed or changes.outcomes or changes.contexts:
            self.view.observed(weights, Counts() if pruned else self._counts(kept))
        return kept.told

    def _counts(self, kept: Keeping) -> Counts:
        followed = self.changes.contexts
        return self.view.outcomes.after(kept.counted, followed, same_patterns=not kept.is_new)


def observe(
    db: Connection,
    request: ObserveRequest,
    scope: Scope,
    *,
    connection: str,
    now: float,
    ns: int | None = None,
    shelf: Shelf | None = None,
    experts: Mapping[str, Expert] = EXPERTS,
) -> ObserveReply:
    """Write down what happened, count it, and say what was learned.

    `ns` is the key of the scope's namespace, for those who have looked it up already.

    Raises:
        InvalidInput: An interaction says nothing to learn from.
    """
    seen = [
        intake.observation(sent, connection=connection) for sent in intake.interactions(request)
    ]
    ns = namespaces.ensure(db, scope.namespace, now) if ns is None else ns
    if shelf is not None:
        shelf.begin()
    counts = View(db, ns, shelf)
    desk = Desk(db, ns, counts, counts.weights(), connection, now, experts)
    observed = sum(_take(desk, observation) for observation in seen)
    return ObserveReply(
        observed=observed, session_id=seen[-1].session, learned=desk.write(observed), scope=scope
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
    for area in (AREA, view.AREA):
        namespaces.touch(db, session.ns, area)


def _take(desk: Desk, seen: Observation) -> int:
    """Take in one interaction; returns 1 if it was new, 0 if it is a repeat."""
    session = _session(desk, seen)
    if seen.step is None:
        return _take_end(desk, session, seen)
    known = observations.run_of_step(desk.db, session, seen.step)
    run = _take_step(desk, session, seen, seen.step) if known is None else known
    # What is told of a run that has ended already must not end the one that goes on.
    ended = seen.outcome is not None and run == session.run
    return max(int(known is None), _take_end(desk, session, seen) if ended else 0)


def _session(desk: Desk, seen: Observation) -> Session:
    db, now, connection = desk.db, desk.now, desk.connection
    found = observations.find_session(db, desk.ns, seen.session)
    if found is None:
        own = connection if seen.session == intake.session_name("", connection=connection) else None
        return observations.open_session(db, desk.ns, seen.session, connection=own, now=now)
    if found.is_open and now - found.last_at > IDLE_SECONDS:
        _end_run(desk, found, "unknown", None)
        return _again(db, found)
    return found


def _end_run(desk: Desk, session: Session, outcome: str, judge: str | None) -> None:
    runs.end_run(desk.db, session, desk.changes, outcome=outcome, now=desk.now, judge=judge)
    desk.view.detach()


def _again(db: Connection, session: Session) -> Session:
    found = observations.find_session(db, session.ns, session.name)
    assert found is not None
    return found


def _take_step(desk: Desk, session: Session, seen: Observation, step: Step) -> int:
    """Take in a new step, and return the run that it belongs to."""
    db, changes = desk.db, desk.changes
    run, position, history = observations.place(db, session, step.number)
    is_new_turn = bool(seen.turn) and seen.turn != session.turn
    if run == session.run:
        session = _begun(desk, session, seen)
    if is_new_turn:
        step = replace(step, turn=seen.turn)
    ordinal = observations.add_step(db, session, step, run=run, position=position, now=desk.now)
    if step.tool and lessons.is_due(ordinal, changes):
        case = _case(session, seen, history, is_new_turn=is_new_turn)
        lessons.learn(desk.view, desk.weights, case, step, changes, desk.experts)
    count_step(changes, seen, step, history)
    _note(changes, seen, step, history)
    _count_what_waits(desk, session, run)
    return run


def _case(
    session: Session, seen: Observation, history: tuple[Step, ...], *, is_new_turn: bool
) -> Case:
    return Case(
        session.ns,
        "next",
        history,
        task=seen.task_key,
        near=session.near,
        available=intake.tool_names(seen.available),
        words=intake.text_words(seen.task),
        turn_words=intake.text_words(session.turn),
        is_new_turn=is_new_turn,
    )


def _count_what_waits(desk: Desk, session: Session, run: int) -> None:
    """Count contexts before the end where a step came late, or where the run is long."""
    db = desk.db
    if run != session.run:
        runs.take_late(db, session, run, desk.changes, desk.now)
        desk.view.detach()
    elif (session.steps + 1) % runs.COUNTED_AT_ONCE_MAX == 0:
        # Which steps wait is only found by looking at the whole run, so not at each step.
        runs.count_part(db, session, run, desk.changes)


def _begun(desk: Desk, session: Session, seen: Observation) -> Session:
    """Return the session with the newest step's time, and with what is new of its run."""
    db = desk.db
    observations.move_session(db, session, now=desk.now)
    if seen.turn and seen.turn != session.turn:
        observations.set_turn(db, session, seen.turn)
        session = replace(session, turn=seen.turn)
    if not seen.task_key:
        return session
    if session.about and session.about.is_noted(seen.task_key, seen.task, desk.now):
        return session
    words = intake.text_words(seen.task)
    # Looked for before the task is made: who asked about it a moment ago has found them already.
    near = _near(desk, seen) if session.task is None else ()
    task = tasks.ensure(db, session.ns, seen.task_key, seen.task, words, desk.now)
    if session.task is None:
        observations.set_task(db, session, task, near)
        desk.changes.recounted = True  # the task may be new, and then words are rarer or commoner
        return _again(db, session)
    return session


def _near(desk: Desk, seen: Observation) -> tuple[Near, ...]:
    return desk.view.kept(near_key(seen.task_key), lambda: nearest(desk.db, desk.ns, seen.task))


def _take_end(desk: Desk, session: Session, seen: Observation) -> int:
    """End the run; an end without a task for a session that has ended already is a repeat."""
    assert seen.outcome is not None
    session = _again(desk.db, session)
    if seen.ends_only and seen.task_key:
        if seen.step is None:
            session = _begun(desk, session, seen)
        ok, judge = seen.outcome == "success", seen.judge
        outcome = one(ok=ok, seconds=seen.seconds, tokens=seen.tokens, judge=judge)
        if seen.outcome != "unknown":
            desk.changes.add((TASK, seen.task_key, ""), outcome)
    elif not session.is_open:
        return 0
    _end_run(desk, session, seen.outcome, seen.judge)
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
