"""What is counted after an error: which step was tried, and which one repaired it.

An error is met at several levels, so that a new one still finds something: this tool with this
template, this tool with this class, this tool, and the same without a tool for callers that know
only the text.
"""

from collections.abc import Sequence

from tmws_mcp.learning.templates import MASKS_VERSION
from tmws_mcp.learning.words import fingerprint
from tmws_mcp.store.observations import Step

WINDOW_STEPS = 5
"""A success that comes later than this after an error did not repair it."""
PENDING_MAX = 3
"""So many errors in a row are credited to the step that ended them."""
EVERY_ERROR = "*"


def of_tool(error: Step) -> tuple[str, ...]:
    """Return the keys of an error whose tool is known, the most general first."""
    tool, kind, text = error.tool, error.error_class or "", error.error_template or ""
    return (
        fingerprint(MASKS_VERSION, "tool", tool),
        fingerprint(MASKS_VERSION, "tool+class", tool, kind),
        fingerprint(MASKS_VERSION, "tool+template", tool, text),
    )


def of_text(error: Step) -> tuple[str, ...]:
    """Return the keys of an error by its text alone, the most general first."""
    if not error.error_template:
        return ()
    return (
        fingerprint(MASKS_VERSION, "class", error.error_class or ""),
        fingerprint(MASKS_VERSION, "template", error.error_template),
    )


def counted_keys(error: Step) -> tuple[str, ...]:
    """Return all keys that a repair of this error is counted under."""
    own = of_tool(error) if error.tool else ()
    return (EVERY_ERROR, *own, *of_text(error))


def asked_keys(error: Step) -> tuple[str, ...]:
    """Return the keys to look under, the most general first."""
    if error.tool:
        return (EVERY_ERROR, *of_tool(error))
    return (EVERY_ERROR, *of_text(error))


def pending(history: Sequence[Step]) -> tuple[Step, ...]:
    """Return the errors that the next step may repair, oldest first."""
    failures: list[Step] = []
    for step in reversed(history[-WINDOW_STEPS:]):
        if step.ok or step.recovery:
            break
        failures.append(step)
    return tuple(reversed(failures[:PENDING_MAX]))
