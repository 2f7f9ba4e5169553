"""The end of a run: its contexts are counted, its sequence is kept for its task.

Counting contexts at each step would teach the experts the running session by heart: on real traces
waiting for its end lifts their accuracy on new tasks from .325 to .478.
"""

from collections.abc import Mapping, Sequence

from tmws_mcp.learning import sequences
from tmws_mcp.learning.case import Case
from tmws_mcp.learning.counting import SEQUENCE, Changes, one
from tmws_mcp.learning.experts import EXPERTS
from tmws_mcp.learning.intake import text_words
from tmws_mcp.learning.kinds import task_sequence
from tmws_mcp.store import observations, tasks
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.observations import HISTORY_MAX, Session, Step
from tmws_mcp.store.tasks import Run

COUNTED_AT_ONCE_MAX = 400
"""A longer run is counted in parts, so that its end does not hold the write lock for long: each
time that a session has so many steps more, unless most of them were of runs that have ended."""
PART_SHARE = 2
"""A part has half of them at least."""
RUN_STEPS_MAX = 120


def end_run(
    db: Connection,
    session: Session,
    changes: Changes,
    *,
    outcome: str,
    now: float,
    judge: str | None = None,
) -> None:
    """End the session's run with this outcome; `judge` is who says so."""
    count_contexts(db, session, session.run, changes)
    if done := keep_run(db, session, session.run, changes, outcome=outcome, now=now):
        _count_sequence(db, session, done, changes, outcome, judge)
    observations.end_session(db, session, outcome=outcome, now=now)


def count_part(db: Connection, session: Session, run: int, changes: Changes) -> None:
    """Count the steps of a run that goes on, where many of them wait."""
    if observations.uncounted(db, session, run) >= COUNTED_AT_ONCE_MAX // PART_SHARE:
        count_contexts(db, session, run, changes)


def count_contexts(db: Connection, session: Session, run: int, changes: Changes) -> None:
    """Count what followed what, for the steps of the run that were not counted yet."""
    if not observations.uncounted(db, session, run):
        return
    rows = observations.steps_of_run(db, session, run, COUNTED_AT_ONCE_MAX + HISTORY_MAX)
    words = _task_words(db, session, run)
    _count_newest(db, session, run, rows, words, changes)
    for position, step in observations.waiting_below(db, session, run, len(rows)):
        before = observations.history(db, session, run=run, before=position)
        turn = step.turn or observations.turn_before(db, session, run, position)
        _count_followers(_counted_case(session.ns, before, words, turn), step, changes)
    observations.mark_counted(db, session, run)
    changes.recounted = True


def _count_newest(
    db: Connection,
    session: Session,
    run: int,
    rows: Sequence[tuple[bool, Step]],
    words: Mapping[str, int],
    changes: Changes,
) -> None:
    steps = tuple(step for _, step in rows)
    turn = observations.turn_below(db, session, run, len(rows))
    for number, (counted, step) in enumerate(rows):
        turn = step.turn or turn
        if not counted:
            before = steps[max(number - HISTORY_MAX, 0) : number]
            _count_followers(_counted_case(session.ns, before, words, turn), step, changes)


def _counted_case(ns: int, before: tuple[Step, ...], words: Mapping[str, int], turn: str) -> Case:
    return Case(ns, "next", before, words=words, turn_words=text_words(turn))


def _count_followers(case: Case, step: Step, changes: Changes) -> None:
    for expert in EXPERTS.values():
        if expert.counted:
            for slot in expert.counted(case, step.tool):
                changes.contexts[slot] += 1


def _task_words(db: Connection, session: Session, run: int) -> Mapping[str, int]:
    """Return the stems of the task that the run is about, which may have ended already."""
    kept = tasks.find_run(db, session.id, run) if run != session.run else None
    known = kept[0] if kept else session.task if run == session.run else None
    task = tasks.by_id(db, known) if known is not None else None
    return text_words(task.text) if task else {}


def keep_run(
    db: Connection, session: Session, run: int, changes: Changes, *, outcome: str, now: float
) -> list[tuple[str, bool]]:
    """Keep the run's steps for its task, and return them; nothing where it has no task."""
    done = _steps(db, session, run) if session.task is not None else []
    if session.task is None or not done:
        return []
    kept = Run(tuple(done), outcome, now)
    tasks.keep_run(db, session.id, run, task=session.task, run=kept)
    changes.recounted = True
    changes.ended.add(session.task)
    return done


def take_late(db: Connection, session: Session, run: int, changes: Changes, now: float) -> None:
    """Count a step that came after the end of its run, and put it where it belongs."""
    count_contexts(db, session, run, changes)
    kept = tasks.find_run(db, session.id, run)
    if kept is not None:
        task, outcome = kept
        whole = Run(tuple(_steps(db, session, run)), outcome, now)
        tasks.keep_run(db, session.id, run, task=task, run=whole)
        changes.recounted = True
        changes.ended.add(task)


def _steps(db: Connection, session: Session, run: int) -> list[tuple[str, bool]]:
    rows = observations.steps_of_run(db, session, run, RUN_STEPS_MAX)
    return [(step.tool, step.ok) for _, step in rows]


def _count_sequence(
    db: Connection,
    session: Session,
    done: Sequence[tuple[str, bool]],
    changes: Changes,
    outcome: str,
    judge: str | None,
) -> None:
    """Count the sequence where the run's outcome is known."""
    assert session.task is not None
    task = tasks.by_id(db, session.task)
    tools = sequences.worked(done)
    if task is None or len(tools) < sequences.STEPS_MIN or outcome == "unknown":
        return
    changes.add(
        (SEQUENCE, task.hash, sequences.key(tools)), one(ok=outcome == "success", judge=judge)
    )
    if outcome == "success":
        task_sequence.note(changes, task, tools)
