"""Learned patterns with their counts as lines of JSON, out of one store and into another.

The lines are in an order of their own and hold no date of the export, so that the same store gives
the same file. Taken in twice they count nothing twice: counts are slots of their actors, runs are
known by what they hold, patterns by their ids.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from tmws_mcp.errors import InvalidInput
from tmws_mcp.learning import history, intake, repairs
from tmws_mcp.learning.counting import ALL, EVERYWHERE, REPAIR, TOOL, VARIANT
from tmws_mcp.learning.identity import pattern_id
from tmws_mcp.learning.kinds import KINDS, error_recovery, task_sequence
from tmws_mcp.learning.learned import kind_of, learned_patterns, touch
from tmws_mcp.learning.templates import MASKS_VERSION
from tmws_mcp.learning.words import fingerprint
from tmws_mcp.model import JsonObject, LearnedFilter, Scope
from tmws_mcp.model.carried import (
    FORMAT,
    CarriedLine,
    ImportedLearned,
    PatternLine,
    RunLine,
    SlotLine,
)
from tmws_mcp.store import carrying, counted, namespaces, tasks
from tmws_mcp.store import learned as table
from tmws_mcp.store.carrying import Carried
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context
from tmws_mcp.store.learned import Learned
from tmws_mcp.store.tasks import Run

RUNS_EACH = 12
TEXT_CHARS_MAX = 600
NAMED = ("tool", "repair", "method", "than")


def exported(db: Connection, scope: Scope, wanted: LearnedFilter) -> tuple[str, ...]:
    """Return the lines of the learned patterns that are wanted, with all that they rest on."""
    ns = namespaces.find(db, scope.namespace)
    shown = learned_patterns(db, scope, wanted)
    if ns is None or not shown:
        return ()
    found = [table.find(db, ns, one.pattern_id) for one in shown]
    patterns = sorted((one for one in found if one), key=lambda one: (one.kind, one.id))
    return (
        _line({"tmws_learned": FORMAT, "masks": MASKS_VERSION}),
        *(_pattern_line(db, ns, one) for one in patterns),
        *_slot_lines(db, ns, patterns),
        *_run_lines(db, ns, patterns),
    )


def _line(value: JsonObject) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _pattern_line(db: Connection, ns: int, one: Learned) -> str:
    first_at, last_at = carrying.seen_between(db, ns, one.id)
    told: JsonObject = {
        "id": one.id, "kind": one.kind, "definition": one.definition,
        "first_at": first_at, "last_at": last_at,
    }  # fmt: skip
    return _line({"pattern": told})


def _slot_lines(db: Connection, ns: int, patterns: Sequence[Learned]) -> Iterator[str]:
    contexts = {kind_of(one).slot(one.definition)[:2] for one in patterns}
    single: set[Context] = {ALL}
    for one in patterns:
        single |= {(TOOL, EVERYWHERE, tool) for tool in _tools(one)}
        single |= {(VARIANT, EVERYWHERE, tool) for tool in _tools(one)}
        if one.kind == error_recovery.KIND:
            keys = repairs.counted_keys(error_recovery.error(one.definition))
            contexts |= {(REPAIR, key) for key in keys}
    for slot in carrying.slots_of(db, ns, contexts, single):
        yield _line({"slot": {**asdict(slot), "durations": json.loads(slot.durations)}})


def _tools(one: Learned) -> tuple[str, ...]:
    if one.kind == task_sequence.KIND:
        return task_sequence.steps(one.definition)
    return tuple(str(one.definition[name]) for name in NAMED if one.definition.get(name))


def _run_lines(db: Connection, ns: int, patterns: Sequence[Learned]) -> Iterator[str]:
    keys = {str(one.definition["task_key"]) for one in patterns if "task_key" in one.definition}
    for key in sorted(keys):
        task = tasks.find(db, ns, key)
        runs = tasks.runs(db, task, RUNS_EACH) if task is not None else ()
        alike = Counter((run.steps, run.outcome, run.at) for run in runs)
        yield from sorted(
            _line({"run": {
                "task": key, "steps": [list(step) for step in steps], "outcome": outcome, "at": at,
                "copies": copies,
            }})
            for (steps, outcome, at), copies in alike.items()
        )  # fmt: skip


def take_in(
    db: Connection, lines: Sequence[CarriedLine], scope: Scope, now: float
) -> ImportedLearned:
    """Take lines into the scope's namespace, which is made where it is new.

    Raises:
        InvalidInput: A pattern is not what its id says; nothing is taken in.
    """
    patterns = [_checked(line.pattern) for line in lines if line.pattern]
    ns = namespaces.ensure(db, scope.namespace, now)
    new = sum(_take_pattern(db, ns, one) for one in patterns)
    slots = [_carried(line.slot) for line in lines if line.slot]
    newer = [slot for slot in slots if carrying.take_slot(db, ns, slot)]
    runs = sum(_take_run(db, ns, line.run) for line in lines if line.run)
    places = [(slot.kind, slot.key, slot.action) for slot in newer if slot.kind in history.SHOWN]
    history.keep(db, ns, counted.read(db, ns, places), table.of_slots(db, ns, places), now)
    if new or newer or runs:
        touch(db, ns)
    return ImportedLearned(
        patterns=new,
        slots=len(newer),
        runs=runs,
        known=len(lines) - new - len(newer) - runs,
    )


def _checked(line: PatternLine) -> PatternLine:
    """Refuse a definition that its id does not stand for, or that its kind cannot read."""
    fields = KINDS[line.kind].fields
    texts = [value for name, value in line.definition.items() if name != "steps"]
    steps = line.definition.get("steps", [])
    plain = all(value is None or isinstance(value, str) for value in texts)
    listed = isinstance(steps, list) and all(isinstance(step, str) for step in steps)
    if set(line.definition) != fields or not plain or not listed:
        raise InvalidInput(f"Pattern {line.id}: its definition is none of kind {line.kind}.")
    if pattern_id(line.kind, line.definition) != line.id:
        raise InvalidInput(f"Pattern {line.id}: its definition has another id; it was changed.")
    return line


def _take_pattern(db: Connection, ns: int, line: PatternLine) -> bool:
    made = line.definition
    if "task" in made:
        made = {**made, "task": intake.masked(str(made["task"] or ""), TEXT_CHARS_MAX)}
    if made.get("task") and "task_key" in made:
        text, key = str(made["task"]), str(made["task_key"])
        tasks.ensure(db, ns, key, text, intake.text_words(text), line.last_at)
    learned = Learned(line.id, line.kind, made, line.first_at)
    slot = kind_of(learned).slot(made)
    return carrying.take_pattern(db, ns, learned, slot, line.last_at)


def _carried(line: SlotLine) -> Carried:
    told = line.model_dump()
    buckets = {str(bucket): n for bucket, n in sorted(line.durations.items())}
    return Carried(**{**told, "durations": json.dumps(buckets, separators=(",", ":"))})


def _take_run(db: Connection, ns: int, line: RunLine) -> bool:
    """Keep a run of somebody else's: a session's number below zero belongs to no session here."""
    task = tasks.find(db, ns, line.task)
    run = Run(line.steps, line.outcome, line.at)
    if task is None or (known := carrying.same_runs(db, task, run)) >= line.copies:
        return False
    told = fingerprint(line.task, carrying.steps_text(line.steps), line.outcome, str(line.at))
    for copy in range(known, line.copies):
        tasks.keep_run(db, -int(told[:12], 16) - 1, copy, task=task, run=run)
    return True
