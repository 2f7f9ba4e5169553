"""What a slot of outcomes is the evidence of, told to other instances in a few words.

The words carry no text of a task: a pattern's id does not depend on it, so that the same discovery
has the same id on each instance, and one that knows the task shows its own text.
"""

from collections.abc import Sequence

from tmws_mcp.errors import InvalidInput
from tmws_mcp.learning import forgetting, intake, wording
from tmws_mcp.learning.counting import REPAIR, SEQUENCE, TASK, TASK_TOOL, TOOL, VARIANT
from tmws_mcp.learning.forgetting import shown_by
from tmws_mcp.learning.identity import pattern_id
from tmws_mcp.learning.kinds import error_recovery, performance, task_sequence, tool_usage
from tmws_mcp.learning.learned import kind_of, touch
from tmws_mcp.learning.templates import MASKS_VERSION
from tmws_mcp.learning.words import task_key
from tmws_mcp.model import JsonObject
from tmws_mcp.store import carrying, tasks
from tmws_mcp.store import forgetting as taking
from tmws_mcp.store import learned as table
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context
from tmws_mcp.store.forgetting import Part
from tmws_mcp.store.learned import Learned

__all__ = [
    "about", "learn", "related", "shown_by", "slots_of_pattern", "touch", "unlearn",
    "unlearn_whole", "whole_task", "whole_tool",
]  # fmt: skip

SUBJECT_CHARS_MAX = 100
KIND_OF_SLOT = {
    TASK_TOOL: tool_usage.KIND,
    SEQUENCE: task_sequence.KIND,
    REPAIR: error_recovery.KIND,
    VARIANT: performance.KIND,
}


def about(db: Connection, ns: int, slot: Context) -> tuple[str, ...]:
    """Return what the slot is the evidence of, empty where no learned pattern stands on it."""
    kind = KIND_OF_SLOT.get(slot[0])
    found = table.of_slot(db, ns, slot, kind) if kind else None
    if found is None:
        return ()
    made = found.definition
    match found.kind:
        case task_sequence.KIND:
            return (found.kind, *task_sequence.steps(made))
        case error_recovery.KIND:
            told = (str(made["masks"]), str(made["tool"]), str(made["template"] or ""))
            return (found.kind, *told, str(made["class"] or ""))
        case performance.KIND:
            return (found.kind, str(made["than"]))
        case _:
            return (found.kind,)


def learn(db: Connection, ns: int, slot: Context, words: tuple[str, ...], at: float) -> None:
    """Keep the learned pattern that another instance's slot is the evidence of.

    Words that no version of ours would send are left alone: what they say cannot be checked here,
    but the slot, and with it the id, must fit to them.
    """
    made = _definition(db, ns, slot, words)
    if made is None:
        return
    learned = Learned(pattern_id(words[0], made), words[0], made, at)
    if kind_of(learned).slot(made) == slot:
        carrying.take_pattern(db, ns, learned, slot, at)


def _definition(db: Connection, ns: int, slot: Context, words: Sequence[str]) -> JsonObject | None:
    if KIND_OF_SLOT.get(slot[0]) != words[0]:
        return None
    _, key, action = slot
    told = [intake.tool_name(word) for word in words[1:]]
    match words[0], told:
        case task_sequence.KIND, [_, _, *_]:
            return {"task_key": key, "task": _text(db, ns, key), "steps": list(told)}
        case tool_usage.KIND, []:
            return {"task_key": key, "task": _text(db, ns, key), "tool": action}
        case performance.KIND, [than]:
            text = _text(db, ns, key.removeprefix("task:"))
            return {"key": key, "task": text, "method": action, "than": than}
        case error_recovery.KIND, [masks, tool, template, kind] if masks == MASKS_VERSION:
            return {
                "tool": tool, "template": template, "class": kind, "masks": masks,
                "repair": action,
            }  # fmt: skip
    return None


def _text(db: Connection, ns: int, key: str) -> str:
    """Return the task's text as it is known here, empty where it is not."""
    task = tasks.find(db, ns, key)
    found = tasks.by_id(db, task) if task is not None else None
    return found.text if found else ""


def unlearn(db: Connection, ns: int, slot: Context) -> None:
    """Drop the learned patterns that stood on a slot, and the runs that show it.

    It is forgotten everywhere. Others are told again of the tasks that own runs go of.
    """
    ids, runs = table.ids_of_slot(db, ns, slot), forgetting.runs_of(db, ns, slot)
    if ids or runs:
        parts = (*taking.of_patterns(ns, ids, []), *taking.of_runs(ns, runs))
        taking.retell_tasks(db, parts)
        taking.delete(db, ns, parts)


def whole_task(told: str) -> tuple[str, Context]:
    """Return a task in words, and what stands for all that is known of it."""
    said = intake.masked(told, len(told))
    return f"task {wording.cut(said, SUBJECT_CHARS_MAX)!r}", (TASK, task_key(said), "")


def whole_tool(told: str) -> tuple[str, Context]:
    """Return a tool in words, and what stands for all that is known of it."""
    name = intake.tool_name(told)
    return f"tool {name!r}", (TOOL, "", name)


def related(db: Connection, ns: int, whole: Context) -> tuple[list[Context], list[Context]]:
    """Return the outcomes and the contexts that hold something about a task or a tool."""
    parts = _parts(db, ns, whole)
    return taking.contexts(db, parts, "outcome"), taking.contexts(db, parts, "context")


def unlearn_whole(db: Connection, ns: int, whole: Context) -> None:
    """Drop all that is known of a task or a tool; of a tool also what it did for tasks."""
    parts = _parts(db, ns, whole)
    if whole[0] == TOOL:
        taking.retell_tasks(db, parts)
    taking.delete(db, ns, parts)


def _parts(db: Connection, ns: int, whole: Context) -> tuple[Part, ...]:
    kind, key, name = whole
    if kind == TOOL:
        return taking.of_tool(ns, name)
    return taking.of_task(ns, key, tasks.find(db, ns, key))


def slots_of_pattern(db: Connection, ns: int, name: str) -> tuple[str, tuple[Context, ...]]:
    """Return a learned pattern in words, and the slots that it rests on.

    Raises:
        InvalidInput: There is no such pattern.
    """
    found = table.find(db, ns, name)
    if found is None:
        raise InvalidInput(
            f"There is no learned pattern {name[:40]!r}. `tmws-mcp inspect learned` lists the ids."
        )
    said = kind_of(found).summary(db, ns, found.definition)
    return said, tuple(forgetting.slots_of(found))
