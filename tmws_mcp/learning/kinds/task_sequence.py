"""For tasks like T: a, then b, then c."""

from tmws_mcp.learning import sequences, wording
from tmws_mcp.learning.counting import SEQUENCE, Changes
from tmws_mcp.learning.identity import pattern_id
from tmws_mcp.model import JsonObject
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context
from tmws_mcp.store.tasks import Task

KIND = "task_sequence"
TOOLS_SHOWN_MAX = 6


def definition(task: Task, tools: tuple[str, ...]) -> JsonObject:
    """Return the pattern's definition."""
    return {"task_key": task.hash, "task": task.text, "steps": list(tools)}


def note(changes: Changes, task: Task, tools: tuple[str, ...]) -> None:
    """Note that the sequence ended well."""
    made = definition(task, tools)
    changes.learned[KIND, pattern_id(KIND, made)] = made


def slot(made: JsonObject) -> Context:
    """Return where it is counted how often the task was done so, and how often it ended well."""
    return SEQUENCE, str(made["task_key"]), sequences.key(steps(made))


def summary(_db: Connection, _ns: int, made: JsonObject) -> str:
    """Say the sequence."""
    tools = steps(made)
    more = f" and {len(tools) - TOOLS_SHOWN_MAX} more" if len(tools) > TOOLS_SHOWN_MAX else ""
    shown = ", then ".join(tools[:TOOLS_SHOWN_MAX])
    return f"for tasks like {wording.task(str(made['task']))}: {shown}{more}"


def steps(made: JsonObject) -> tuple[str, ...]:
    """Return the sequence of a definition."""
    found = made["steps"]
    assert isinstance(found, list)
    return tuple(str(tool) for tool in found)
