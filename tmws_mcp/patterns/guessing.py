"""Which patterns may run on a guess, and with which arguments.

A trigger says what a query means; a guess by examples says what it probably means. Nothing is
stored on a guess. What may change something elsewhere, a call or an action that does not only read,
takes a much surer one. And a guess finds no named groups: a pattern that cannot do without them is
left to its triggers.

An argument with a type says what to look for in the query: the first path, URL, date or number
that no argument before it has taken.
"""

import re
from collections.abc import Mapping

from tmws_mcp.actions.registry import is_read_only
from tmws_mcp.patterns.arguments import Argument, why_refused
from tmws_mcp.patterns.definition import QUERY, Pattern, templates_of
from tmws_mcp.patterns.templates import ArgumentType, names_in_value

CONFIDENCE_MIN = 0.3
"""Below it nothing is matched: a plain recall then does no worse, and says less that is wrong."""
SURE_MIN = 0.8
"""What a guess takes that may change something outside of this server."""

_NUMBER = r"(?<![\w.])-?\d{1,15}"
SHAPES: Mapping[ArgumentType, re.Pattern[str]] = {
    "url": re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s'\"<>]{1,2000}[^\s'\"<>.,;:!?)\]]"),
    "date": re.compile(r"\b\d{4}-\d\d-\d\d\b(?:[T ]\d\d:\d\d(?::\d\d)?Z?)?"),
    "path": re.compile(
        r"(?<![\w/:])(?:[~.]{0,2}/)?[\w.-]{1,200}(?:/[\w.-]{1,200}){1,40}/?(?<![.])"
        r"|(?<![\w/:])[\w-]{1,200}\.[A-Za-z]\w{0,4}\b"
    ),
    "integer": re.compile(_NUMBER + r"(?![\w.]*\d)"),
    "number": re.compile(_NUMBER + r"(?:\.\d{1,15})?(?!\w)"),
}
"""What values of a type look like in a query; other types are not looked for."""


def confidence_needed(pattern: Pattern) -> float | None:
    """Return how sure a guess must be for this pattern; None where none will do."""
    if pattern.stores:
        return None
    reads = not pattern.calls and all(is_read_only(name) for name in pattern.actions)
    return CONFIDENCE_MIN if reads else SURE_MIN


def arguments_in(query: str, pattern: Pattern) -> dict[str, str] | None:
    """Return the typed arguments that a query holds; None if the pattern lacks one to run."""
    found = _found(query, pattern.arguments)
    given = {QUERY, *found, *(n for n, a in pattern.arguments.items() if a.default is not None)}
    for step in pattern.steps:
        skipped = step.when is not None and step.when not in given
        if not skipped and not names_in_value(templates_of(step)) <= {*given, *step.conditions}:
            return None
    return found


def _found(query: str, arguments: Mapping[str, Argument]) -> dict[str, str]:
    found: dict[str, str] = {}
    left = query
    for name, argument in arguments.items():
        shape = SHAPES.get(argument.type)
        if shape and (hit := shape.search(left)) and not why_refused(name, hit[0], argument):
            found[name] = hit[0]
            left = f"{left[: hit.start()]} {left[hit.end() :]}"
    return found
