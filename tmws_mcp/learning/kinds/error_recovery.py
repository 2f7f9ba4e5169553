"""After this error of this tool, that tool repaired it."""

from tmws_mcp.learning import repairs, wording
from tmws_mcp.learning.counting import REPAIR, Changes
from tmws_mcp.learning.identity import pattern_id
from tmws_mcp.learning.templates import MASKS_VERSION
from tmws_mcp.model import JsonObject
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context
from tmws_mcp.store.observations import Step

KIND = "error_recovery"


def definition(failed: Step, repair: str) -> JsonObject:
    """Return the pattern's definition."""
    return {
        "tool": failed.tool,
        "template": failed.error_template,
        "class": failed.error_class,
        "masks": MASKS_VERSION,
        "repair": repair,
    }


def note(changes: Changes, failed: Step, repair: str) -> None:
    """Note that the tool repaired the error."""
    made = definition(failed, repair)
    changes.learned[KIND, pattern_id(KIND, made)] = made


def slot(made: JsonObject) -> Context:
    """Return where it is counted how often the tool was tried after the error, and repaired it."""
    return REPAIR, _key(made), str(made["repair"])


def summary(_db: Connection, _ns: int, made: JsonObject) -> str:
    """Say what repairs the error."""
    said = wording.cut(str(made["template"] or made["class"]), wording.TEMPLATE_CHARS_SHOWN)
    where = f"{made['tool']} fails" if made["tool"] else "something fails"
    repair = (
        "call it again, changed" if made["repair"] == made["tool"] else f"call {made['repair']}"
    )
    return f"when {where} with {said!r}, {repair}"


def error(made: JsonObject) -> Step:
    """Return the error that the pattern is about."""
    return Step(
        str(made["tool"]),
        ok=False,
        error_template=str(made["template"] or ""),
        error_class=str(made["class"] or ""),
    )


def _key(made: JsonObject) -> str:
    failed = error(made)
    return repairs.of_tool(failed)[-1] if failed.tool else repairs.counted_keys(failed)[-1]
