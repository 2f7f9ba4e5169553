"""Tools and their arguments as the steps of a pattern file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from tmws_mcp.learning.parameters import identifier
from tmws_mcp.model import JsonObject

PREFIX = "mcp__"
"""Clients call a server's tool `mcp__<server>__<tool>`."""
OWN_TOOLS: dict[str, tuple[str, tuple[str, ...]]] = {
    "recall_memory": ("recall", ("limit", "tags", "kinds", "persona", "speaker", "thread")),
    "store_memory": (
        "store", ("tags", "kind", "importance", "persona", "source", "thread", "speaker"),
    ),
    "get_recommendations": ("recommend", ()),
}  # fmt: skip
"""Tools of ours that a step can be: its key, and the arguments that it takes along."""
ASKED = ("task", "error", "turn", "want", "limit", "min_confidence")


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of a pattern, and what becomes of them when it is executed."""

    steps: tuple[JsonObject, ...]
    route: str
    runnable: tuple[str, ...]
    missing: tuple[str, ...]


def steps_of(
    tools: Sequence[str], arguments: Sequence[JsonObject], is_action: Callable[[str], bool]
) -> Steps:
    """Return a step for each tool, each after the one before it."""
    steps: list[JsonObject] = []
    runnable: list[str] = []
    missing: list[str] = []
    for tool, given in zip(tools, arguments, strict=True):
        step = _step(tool, given, is_action)
        name = _name(tool, {str(other["name"]) for other in steps})
        (missing if "call" in step else runnable).append(tool if "call" in step else name)
        after: JsonObject = {"needs": [steps[-1]["name"]]} if steps else {}
        steps.append({"name": name, **step, **after})
    return Steps(tuple(steps), _route(steps), tuple(runnable), tuple(dict.fromkeys(missing)))


def _step(tool: str, given: JsonObject, is_action: Callable[[str], bool]) -> JsonObject:
    short = short_name(tool)
    if is_action(tool) or is_action(short):
        return {"action": tool if is_action(tool) else short} | ({"with": given} if given else {})
    own = _own_step(short, given) if short in OWN_TOOLS else None
    return own or ({"call": tool} | ({"with": given} if given else {}))


def _own_step(tool: str, given: JsonObject) -> JsonObject | None:
    key, taken = OWN_TOOLS[tool]
    if key == "recommend":
        return {key: {name: given[name] for name in ASKED if name in given}}
    main = given.get("query" if key == "recall" else "content", "" if key == "recall" else None)
    if not isinstance(main, str):
        return None
    others: dict[str, JsonValue] = {name: given[name] for name in taken if name in given}
    plain = all(not isinstance(value, str) or "{" not in value for value in others.values())
    return {key: main} | (others if plain else {})


def short_name(tool: str) -> str:
    """Return a tool's name without its server's.

    >>> short_name("mcp__github__create_issue"), short_name("edit")
    ('create_issue', 'edit')
    """
    return tool.rpartition("__")[2] if tool.startswith(PREFIX) else tool


def _name(tool: str, taken: set[str]) -> str:
    made = identifier(short_name(tool))[:36].rstrip("_")
    if made not in taken:
        return made
    return next(name for n in range(2, 100) if (name := f"{made}_{n}") not in taken)


def _route(steps: Sequence[JsonObject]) -> str:
    acting = [step for step in steps if "action" in step or "call" in step]
    if len(acting) == len(steps):
        return "infrastructure"
    return "hybrid" if acting else "memory"
