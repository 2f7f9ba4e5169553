"""Forgetting what was learned: one pattern, or all about a task, a tool, an instance, a namespace.

What names the thing goes: patterns, counts, runs, steps, the task's text. Sums over everything (all
calls, all tools) go on counting what happened, and the fingerprints of contexts that a tool took
part in stay, since nothing tells whose they are. For UNDO_DAYS patterns, counts, tasks and runs can
be brought back; then, or at once where that is asked for, the bytes are gone.
"""

import secrets
from collections.abc import Sequence

from tmws_mcp.errors import InvalidInput, NotFound
from tmws_mcp.learning import repairs, sequences, wording
from tmws_mcp.learning.counting import REPAIR, SEQUENCE, TASK_TOOL
from tmws_mcp.learning.intake import masked, tool_name
from tmws_mcp.learning.kinds import error_recovery
from tmws_mcp.learning.learned import kind_of, touch
from tmws_mcp.learning.words import task_key
from tmws_mcp.model import Scope
from tmws_mcp.model.learned import (
    ForgetLearnedReply,
    ForgetLearnedRequest,
    ForgottenLearned,
    UndoLearnedReply,
)
from tmws_mcp.store import forgetting as taking
from tmws_mcp.store import learned as table
from tmws_mcp.store import namespaces, restoring, tasks
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context
from tmws_mcp.store.forgetting import Part
from tmws_mcp.store.learned import Learned

DAY_SECONDS = 86_400
UNDO_DAYS = 30
LISTED_MAX = 20
SUBJECT_CHARS_MAX = 100
WORDS = {
    "learned": "learned patterns",
    "outcome": "counts of outcomes",
    "context": "counts of what followed what",
    "run": "runs",
    "task": "tasks",
    "step": "steps of the log",
    "session": "sessions",
}
"""What rows are called; the rest belongs to these."""


def forget(
    db: Connection, request: ForgetLearnedRequest, scope: Scope, now: float
) -> ForgetLearnedReply:
    """Forget what is asked for, or say what would be forgotten.

    Raises:
        InvalidInput: Not exactly one thing is named.
        NotFound: There is no such learned pattern.
    """
    named = [
        name
        for name in ("pattern", "task", "tool", "actor", "everything")
        if getattr(request, name)
    ]
    if len(named) != 1:
        got = " and ".join(named) or "none"
        raise InvalidInput(f"Name one of pattern, task, tool, actor, everything; got {got}.")
    ns = namespaces.find(db, scope.namespace)
    if ns is None:
        subject = f"namespace {scope.namespace}"
        there = namespaces.with_known(db, scope)
        return ForgetLearnedReply(subject=subject, rows={}, dry_run=request.dry_run, scope=there)
    subject, parts = _parts(db, ns, request, scope)
    return _forget(db, ns, request, subject, parts, scope, now)


def _forget(
    db: Connection,
    ns: int,
    request: ForgetLearnedRequest,
    subject: str,
    parts: Sequence[Part],
    scope: Scope,
    now: float,
) -> ForgetLearnedReply:
    counted = taking.count(db, parts)
    rows = sum(n for name, n in counted.items() if name in taking.KEPT)
    undoable = 0 < rows <= taking.KEPT_ROWS_MAX and not request.erase
    reply = ForgetLearnedReply(
        subject=subject,
        rows={WORDS[name]: n for name, n in counted.items() if name in WORDS and n},
        note=_note(counted, rows, undoable=undoable, erase=request.erase),
        dry_run=request.dry_run,
        scope=scope,
    )
    if request.dry_run:
        return reply
    if request.erase and request.everything:
        taking.erase_all_kept(db, ns)
    if not any(counted.values()):
        return reply
    undo = f"f{secrets.token_hex(4)}" if undoable else None
    if undo:
        taking.keep(db, ns, undo, subject, taking.rows_of(db, parts), now)
    taking.delete(db, ns, parts)
    touch(db, ns)
    until = wording.day(now + UNDO_DAYS * DAY_SECONDS) if undo else None
    return reply.model_copy(update={"undo": undo, "undo_until": until})


def _note(counted: dict[str, int], rows: int, *, undoable: bool, erase: bool) -> str:
    if rows > taking.KEPT_ROWS_MAX and not erase:
        return f"over {taking.KEPT_ROWS_MAX:,} rows: this cannot be undone"
    if undoable and (counted.get("step") or counted.get("session")):
        return "steps and sessions are erased at once; an undo brings back the rest"
    return ""


def _parts(
    db: Connection, ns: int, request: ForgetLearnedRequest, scope: Scope
) -> tuple[str, tuple[Part, ...]]:
    """Return what is to be forgotten in words, and where it lies."""
    if request.pattern:
        return _of_pattern(db, ns, request.pattern)
    if request.task:
        text = masked(request.task, len(request.task))
        key = task_key(text)
        shown = f"task {wording.cut(text, SUBJECT_CHARS_MAX)!r}"
        return shown, taking.of_task(ns, key, tasks.find(db, ns, key))
    if request.tool:
        name = tool_name(request.tool)
        return f"tool {name!r}", taking.of_tool(ns, name)
    if request.actor:
        own = request.actor == taking.own_actor(db)
        return f"instance {request.actor}", taking.of_actor(ns, request.actor, own=own)
    return f"namespace {scope.namespace}", taking.everything(ns)


def _of_pattern(db: Connection, ns: int, pattern_id: str) -> tuple[str, tuple[Part, ...]]:
    found = table.find(db, ns, pattern_id)
    if found is None:
        raise NotFound(
            "learned pattern", pattern_id, remedy="`tmws-mcp inspect learned` lists the ids."
        )
    said = kind_of(found).summary(db, ns, found.definition)
    slots = slots_of(found)
    parts = (
        *taking.of_patterns(ns, [found.id], slots),
        *taking.of_runs(ns, runs_of(db, ns, slots[0])),
    )
    return f"{found.id}: {wording.cut(said, SUBJECT_CHARS_MAX)}", parts


def slots_of(found: Learned) -> list[Context]:
    """Return where the pattern is counted; a repair also by the text of its error alone."""
    made, slot = found.definition, kind_of(found).slot(found.definition)
    if found.kind != error_recovery.KIND:
        return [slot]
    error = error_recovery.error(made)
    particular = [keys[-1] for keys in (repairs.of_tool(error), repairs.of_text(error)) if keys]
    return list(dict.fromkeys([slot, *((REPAIR, key, slot[2]) for key in particular)]))


def runs_of(db: Connection, ns: int, slot: Context) -> list[tuple[int, int]]:
    """Return the runs of the slot's task that show it: a workflow is recommended out of them."""
    if slot[0] not in (SEQUENCE, TASK_TOOL):
        return []
    task = tasks.find(db, ns, slot[1])
    if task is None:
        return []
    return [
        (session, number)
        for session, number, run in restoring.runs_of(db, task)
        if slot in shown_by(slot[1], run)
    ]


def shown_by(task: str, run: Sequence[tuple[str, bool]]) -> list[Context]:
    """Return the slots that a run, as (tool, ok) each, for a task of that key is evidence of."""
    tools = sequences.worked(run)
    return [
        (SEQUENCE, task, sequences.key(tools)),
        *((TASK_TOOL, task, tool) for tool in dict.fromkeys(tools)),
    ]


def undo(db: Connection, name: str, scope: Scope) -> UndoLearnedReply:
    """Bring back what was forgotten; what was counted in the meantime is added to it.

    Raises:
        NotFound: It was erased by now, or never was forgotten here.
    """
    ns, subject, rows = _taken_back(db, name, scope)
    put = restoring.restore(db, ns, rows)
    touch(db, ns)
    shown = {WORDS[table]: n for table, n in put.items() if table in WORDS and n}
    return UndoLearnedReply(subject=subject, rows=shown, scope=scope)


def erase(db: Connection, name: str, scope: Scope) -> str:
    """Erase at once what was forgotten and could be brought back; return what it was.

    Raises:
        NotFound: It was erased by now, or never was forgotten here.
    """
    return _taken_back(db, name, scope)[1]


def _taken_back(db: Connection, name: str, scope: Scope) -> tuple[int, str, taking.Rows]:
    ns = namespaces.find(db, scope.namespace)
    found = taking.take_back(db, ns, name) if ns is not None else None
    if ns is None or found is None:
        remedy = "`tmws-mcp observations status` lists what can be brought back."
        raise NotFound("forgetting", name, remedy=remedy)
    return ns, *found


def undoable(db: Connection, ns: int) -> tuple[ForgottenLearned, ...]:
    """Return what can be brought back, the newest first."""
    return tuple(
        ForgottenLearned(
            undo=one.id,
            subject=one.subject,
            at=wording.moment(one.at),
            undo_until=wording.day(one.at + UNDO_DAYS * DAY_SECONDS),
        )
        for one in taking.kept(db, ns, LISTED_MAX)
    )


def purge(db: Connection, now: float) -> int:
    """Erase what can no longer be brought back."""
    return taking.erase_kept(db, now - UNDO_DAYS * DAY_SECONDS)
