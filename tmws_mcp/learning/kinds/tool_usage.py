"""For tasks like T use tool X."""

from tmws_mcp.learning import wording
from tmws_mcp.learning.counting import TASK_TOOL, Changes
from tmws_mcp.learning.identity import pattern_id
from tmws_mcp.model import JsonObject
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context

KIND = "tool_usage"


def definition(task_key: str, task: str, tool: str) -> JsonObject:
    """Return the pattern's definition."""
    return {"task_key": task_key, "task": task, "tool": tool}


def note(changes: Changes, task_key: str, task: str, tool: str) -> None:
    """Note that the tool worked on the task."""
    made = definition(task_key, task, tool)
    changes.learned[KIND, pattern_id(KIND, made)] = made


def slot(made: JsonObject) -> Context:
    """Return where it is counted how well the tool went on the task."""
    return TASK_TOOL, str(made["task_key"]), str(made["tool"])


def summary(_db: Connection, _ns: int, made: JsonObject) -> str:
    """Say which tool to use for the task."""
    return f"for tasks like {wording.task(str(made['task']))} use {made['tool']}"
