"""What is asked for, with what the store knows of the session it is asked in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from tmws_mcp.learning import intake
from tmws_mcp.learning.case import Case
from tmws_mcp.learning.experts import EXPERTS, Expert
from tmws_mcp.learning.neighbours import nearest
from tmws_mcp.learning.sessions import IDLE_SECONDS
from tmws_mcp.learning.view import View, near_key
from tmws_mcp.learning.words import task_key
from tmws_mcp.model import RecommendRequest
from tmws_mcp.store import observations
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.observations import HISTORY_MAX, Session, Step

Goal = Literal["next", "recover", "workflow", "variant", "start"]
"""What the caller wants; `start` is the beginning of a task, where `auto` was asked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a recommendation, made ready."""

    view: View
    want: Goal
    case: Case
    task: str
    candidates: tuple[str, ...]
    metadata: str
    """Key of the metadata as a context."""
    limit: int
    experts: Mapping[str, Expert]


def asked(
    view: View,
    request: RecommendRequest,
    *,
    connection: str,
    now: float,
    experts: Mapping[str, Expert] = EXPERTS,
) -> Asked:
    """Return what is asked for; what the caller tells wins over what the store knows."""
    db, ns = view.db, view.ns
    session = _running(db, ns, request, connection=connection, now=now)
    steps = _steps(db, session, request)
    task, near = _task(view, session, request)
    turn = intake.masked(request.turn, intake.TURN_CHARS_MAX)
    case = Case(
        ns,
        "next",
        steps,
        task=task_key(task),
        near=near,
        available=intake.tool_names(request.available_tools),
        words=intake.text_words(task),
        turn_words=intake.text_words(turn or (session.turn if session else "")),
        is_new_turn=_is_new_turn(turn, session, steps),
    )
    want = _goal(request, case)
    return Asked(
        view=view,
        want=want,
        case=replace(case, want="recover") if want == "recover" else case,
        task=task,
        candidates=intake.tool_names(request.candidates),
        metadata=intake.context_key(request.metadata),
        limit=request.limit,
        experts=experts,
    )


def _running(
    db: Connection, ns: int, request: RecommendRequest, *, connection: str, now: float
) -> Session | None:
    """Return the session that the question belongs to, while it runs."""
    name = intake.session_name(request.session_id, connection=connection)
    session = observations.find_session(db, ns, name)
    if session is None or not session.is_open or now - session.last_at > IDLE_SECONDS:
        return None
    return session


def _steps(db: Connection, session: Session | None, request: RecommendRequest) -> tuple[Step, ...]:
    if request.recent_steps:
        steps = intake.recent(request.recent_steps[-HISTORY_MAX:])
    elif session is not None:
        steps = observations.newest_steps(db, session)
    else:
        steps = ()
    return _with_error(steps, request.error) if request.error else steps


def _with_error(steps: tuple[Step, ...], error: str) -> tuple[Step, ...]:
    """The error is the last step's if that one failed, else of a step that nobody told."""
    if steps and not steps[-1].ok:
        return (*steps[:-1], intake.failed_step(steps[-1].tool, error))
    return (*steps, intake.failed_step("", error))


def _task(
    view: View, session: Session | None, request: RecommendRequest
) -> tuple[str, tuple[tuple[int, float], ...]]:
    """Return the task and those like it, which the session has found already."""
    running = session.about if session else None
    task = intake.masked(request.task, intake.TASK_CHARS_MAX) or (running.text if running else "")
    if session and running and running.hash == task_key(task):
        return task, session.near
    if not task:
        return "", ()
    found = view.kept(near_key(task_key(task)), lambda: nearest(view.db, view.ns, task))
    return task, tuple((near.task, near.similarity) for near in found)


def _is_new_turn(turn: str, session: Session | None, steps: tuple[Step, ...]) -> bool | None:
    """Tell whether no step was taken since the message; of a session never observed who knows."""
    if not turn or not steps:
        return bool(turn)
    return turn != session.turn if session else None


def _goal(request: RecommendRequest, case: Case) -> Goal:
    if request.want != "auto":
        return request.want
    if request.candidates:
        return "variant"
    if case.steps:
        return "next" if case.steps[-1].ok else "recover"
    return "start" if case.task else "next"
