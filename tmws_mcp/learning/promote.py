"""A learned pattern becomes an authored one: the file that a person then looks at and keeps.

Steps become actions of ours where there is one of that name, else calls of the tool. Arguments are
compared over the runs that the step log still has (learning/parameters.py). The texts of the tasks
are the queries that lead to it; where they differ just by a parameter's value, an expression takes
the value out of the query.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tmws_mcp.errors import InvalidInput, NotFound
from tmws_mcp.learning import parameters, sequences, wording
from tmws_mcp.learning.counting import SEQUENCE
from tmws_mcp.learning.kinds import error_recovery, task_sequence
from tmws_mcp.learning.learned import evidence_of, kind_of
from tmws_mcp.learning.parameters import Compared, arguments_of, compare, identifier
from tmws_mcp.learning.promoted_steps import steps_of
from tmws_mcp.learning.queries import Queries, for_error, for_tasks
from tmws_mcp.learning.words import words
from tmws_mcp.model import JsonObject, Scope
from tmws_mcp.model.learned import Promotion
from tmws_mcp.store import learned as table
from tmws_mcp.store import namespaces, tasks, traces
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.learned import Learned

STEPS_MAX = 12
"""As many as a pattern file may hold."""
RUNS_COMPARED_MAX = 12
ALIKE_MIN = 0.3
"""Share of words that another task must have in common for its runs to be compared too."""
SUPPORT_ENOUGH, LOWER_BOUND_ENOUGH = 3, 0.5
SUMMARY_CHARS_MAX = 200
NAME_CHARS_MAX = 50
BUDGET: JsonObject = {"tokens": 1_200, "milliseconds": 30_000}


@dataclass(slots=True)
class Draft:
    """What is known of the pattern that is being made."""

    tools: tuple[str, ...]
    texts: list[str] = field(default_factory=list)
    """Of each run, the task that it was for."""
    runs: list[list[JsonObject]] = field(default_factory=list)
    """Of each run, the arguments of each step."""


def promotion(
    db: Connection, pattern_id: str, scope: Scope, *, is_action: Callable[[str], bool]
) -> Promotion:
    """Return the authored pattern that a learned one would become.

    Raises:
        NotFound: The namespace has no such learned pattern.
        InvalidInput: Its kind cannot be promoted, or it is too long.
    """
    ns = namespaces.find(db, scope.namespace)
    found = table.find(db, ns, pattern_id) if ns is not None else None
    if ns is None or found is None:
        remedy = "`tmws-mcp inspect learned --kind task_sequence` lists what can be promoted."
        raise NotFound("learned pattern", pattern_id, remedy=remedy)
    if found.kind == task_sequence.KIND:
        draft = _sequence(db, ns, found)
        compared = _compared(draft)
        queries = for_tasks(_texts(found, draft), draft.texts, compared)
        return _made(db, ns, found, draft, compared, queries, is_action)
    if found.kind == error_recovery.KIND:
        draft = _recovery(db, ns, found)
        compared = _compared(draft)
        return _made(db, ns, found, draft, compared, for_error(found.definition), is_action)
    raise InvalidInput(
        f"{pattern_id} is of kind {found.kind}: it says which tool or method to take, and has no "
        "steps to run. Promote a task_sequence or an error_recovery."
    )


def _sequence(db: Connection, ns: int, found: Learned) -> Draft:
    tools = task_sequence.steps(found.definition)
    if len(tools) > STEPS_MAX:
        raise InvalidInput(
            f"{found.id} has {len(tools)} steps, a pattern may have {STEPS_MAX}. "
            "Promote a shorter sequence, or write the file by hand."
        )
    draft = Draft(tools)
    for text, key in _tasks_alike(db, ns, found):
        task = tasks.find(db, ns, key)
        for session, number in traces.good_runs(db, task) if task is not None else ():
            arguments = _arguments(traces.calls(db, session, number), tools)
            if arguments is not None and len(draft.runs) < RUNS_COMPARED_MAX:
                draft.runs.append(arguments)
                draft.texts.append(text)
    return draft


def _tasks_alike(db: Connection, ns: int, found: Learned) -> list[tuple[str, str]]:
    """Return text and key of the pattern's task, then of tasks like it that are done the same."""
    own = str(found.definition["task"])
    alike = [(own, str(found.definition["task_key"]))]
    sequence = sequences.key(task_sequence.steps(found.definition))
    for definition in traces.definitions_of(db, ns, SEQUENCE, sequence):
        other = json.loads(definition)
        if other["task_key"] != alike[0][1] and _alike(own, other["task"]) >= ALIKE_MIN:
            alike.append((other["task"], other["task_key"]))
    return alike


def _alike(one: str, other: str) -> float:
    mine, theirs = set(words(one)), set(words(other))
    return len(mine & theirs) / max(len(mine | theirs), 1)


def _arguments(calls: Sequence[traces.Traced], tools: Sequence[str]) -> list[JsonObject] | None:
    """Return the arguments of each step; None where the log lacks a part of the run."""
    kept: list[traces.Traced] = []
    for call in calls:
        if kept and kept[-1].tool == call.tool:
            kept[-1] = call  # of several in a row the last one brought it to its end
        else:
            kept.append(call)
    if tuple(call.tool for call in kept) != tuple(tools):
        return None
    found = [arguments_of(call.arguments) for call in kept]
    whole = [arguments for arguments in found if arguments is not None]
    return whole if len(whole) == len(found) else None


def _recovery(db: Connection, ns: int, found: Learned) -> Draft:
    made = found.definition
    error = (str(made["tool"]), str(made["template"] or ""))
    draft = Draft((str(made["repair"]),))
    for call in traces.repairs(db, ns, error, draft.tools[0]):
        arguments = arguments_of(call.arguments)
        if arguments is not None:
            draft.runs.append([arguments])
    return draft


def _compared(draft: Draft) -> Compared:
    if not draft.runs:
        return Compared([{} for _ in draft.tools])
    return compare(draft.runs)


def _texts(found: Learned, draft: Draft) -> list[str]:
    """Return the texts of the tasks, each once, the pattern's own first."""
    return list(dict.fromkeys([str(found.definition["task"]), *draft.texts]))


def _made(
    db: Connection,
    ns: int,
    found: Learned,
    draft: Draft,
    compared: Compared,
    queries: Queries,
    is_action: Callable[[str], bool],
) -> Promotion:
    kind = kind_of(found)
    steps = steps_of(draft.tools, compared.steps, is_action)
    summary = wording.cut(kind.summary(db, ns, found.definition), SUMMARY_CHARS_MAX)
    definition: JsonObject = {
        "id": f"{steps.route}.{identifier(queries.name)[:NAME_CHARS_MAX].rstrip('_')}",
        "route": steps.route,
        "summary": summary[:1].upper() + summary[1:],
        "task": queries.task,
        "promoted_from": found.id,
        "triggers": queries.triggers,
        "examples": {"match": list(queries.examples)},
        "budget": BUDGET,
    }
    if compared.parameters:
        definition["arguments"] = {
            name: {"type": found.type} for name, found in compared.parameters.items()
        }
    definition["steps"] = list(steps.steps)
    return Promotion(
        pattern_id=found.id,
        definition=definition,
        runs=len(draft.runs),
        runnable=steps.runnable,
        missing=steps.missing,
        notes=(*_evidence_notes(db, ns, found), *_notes(draft, compared, queries)),
    )


def _evidence_notes(db: Connection, ns: int, found: Learned) -> list[str]:
    tally = kind_of(found).tally(db, ns, found.definition)
    shown = evidence_of(tally, None)
    if shown.support >= SUPPORT_ENOUGH and shown.lower_bound >= LOWER_BOUND_ENOUGH:
        return []
    return [f"the evidence is thin: {wording.worked(tally)}"]


def _notes(draft: Draft, compared: Compared, queries: Queries) -> list[str]:
    notes = list(queries.notes)
    if not draft.runs:
        notes.append("no run is left in the step log: the steps have no arguments, write them")
    elif len(draft.runs) == 1:
        notes.append("one run only could be compared: look for values that should be {parameters}")
    if compared.parameters:
        given = ", ".join(f"{name} ({found.type})" for name, found in compared.parameters.items())
        notes.append(f"the caller gives these in `context`, or the query does: {given}")
    if len(compared.parameters) > parameters.PARAMETERS_MAX:
        notes.append(f"over {parameters.PARAMETERS_MAX} parameters: too many for a pattern file")
    notes += [f"left out, since not every run had it: {name}" for name in compared.left_out]
    return notes
