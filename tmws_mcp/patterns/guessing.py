"""Which patterns may run on a guess, and with which arguments.

A trigger says what a query means; a guess by examples says what it probably means. Nothing is
stored on a guess. What may change something elsewhere, a call or an action that does not only read,
takes a much surer one, and so does a pattern that lacks an argument: then its reply says which one
to give, and that is worth more than notes on another subject.

A guess finds no named groups. An argument with a type says what to look for in the query: the first
path, URL, date or number that no argument before it has taken. What a step cannot do without is the
first quoted text, else the first word that only code is written with: `parse_row`, `app.py`.
"""

import re
from collections.abc import Mapping

from tmws_mcp.actions.registry import is_read_only
from tmws_mcp.model import Match
from tmws_mcp.patterns.arguments import Argument, why_refused
from tmws_mcp.patterns.definition import QUERY, Pattern, templates_of
from tmws_mcp.patterns.templates import ArgumentType, names_in_value

CONFIDENCE_MIN = 0.2
"""Below it nothing is matched. Chosen so that a wrong guess, whose reply names the pattern and how
unsure it is, counts a quarter of a right one: it costs some tokens, as the plain recall in its
place would."""
NONE_MAX, NONE_MEMORY_MAX, NONE_TRIGGER_ADDS = 0.4, 0.5, 0.1
"""Nothing is matched where it is more probable that no pattern is meant. Without a pattern there
is a plain recall, which is what most memory patterns do, so that one more of them costs little.
The last is added for a pattern that a broad trigger speaks for."""
LACKING_MIN = 0.5
"""What a guess takes whose pattern lacks an argument."""
OVERRULES_MIN = 2 / 3
"""What a guess takes that goes against a trigger: twice as probable as everything else."""
SURE_MIN = 0.8
"""What a guess takes that may change something outside of this server."""

_QUOTED = re.compile(r"(?<!\w)([\"'`])(?P<text>[^\"'`]{1,200})\1(?!\w)")
_CODE = re.compile(
    r"(?<![\w/.])(?=[\w./-]{0,199}(?:_|\w[./]\w|[a-z][A-Z]))[\w./-]{2,200}(?<![./-])"
)
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


def none_allowed(pattern: Pattern, *, triggered: bool) -> float:
    """Return how probable it may be that no pattern is meant, where this one is the likeliest."""
    guessed = NONE_MEMORY_MAX if pattern.route == "memory" else NONE_MAX
    return guessed + NONE_TRIGGER_ADDS * triggered


def overrules(guess: Match, query: str, pattern: Pattern) -> bool:
    """Say whether a guess goes before a trigger of another pattern.

    One that lacks what its pattern needs to run overrules no trigger of a pattern that can.
    """
    if guess.pattern is None or guess.confidence < OVERRULES_MIN:
        return False
    return not arguments_in(query, pattern)[1]


def arguments_in(query: str, pattern: Pattern) -> tuple[dict[str, str], frozenset[str]]:
    """Return the arguments that a query holds, and the names that the pattern lacks to run."""
    found = _found(query, pattern.arguments)
    lacking = _lacking(pattern, found)
    named = _QUOTED.search(query) or _CODE.search(query)
    if len(lacking) == 1 and named:
        (name,) = lacking
        return found | {name: named.groupdict().get("text") or named[0]}, frozenset()
    return found, lacking


def _lacking(pattern: Pattern, found: Mapping[str, str]) -> frozenset[str]:
    """Return the names that steps need which would run, and that nothing gives a value."""
    given = {QUERY, *found, *(n for n, a in pattern.arguments.items() if a.default is not None)}
    needed = {
        name
        for step in pattern.steps
        if step.when is None or step.when in found
        for name in names_in_value(templates_of(step)) - {*step.conditions, *step.needs}
    }
    return frozenset(needed - given)


def _found(query: str, arguments: Mapping[str, Argument]) -> dict[str, str]:
    found: dict[str, str] = {}
    left = query
    for name, argument in arguments.items():
        shape = SHAPES.get(argument.type)
        if shape and (hit := shape.search(left)) and not why_refused(name, hit[0], argument):
            found[name] = hit[0]
            left = f"{left[: hit.start()]} {left[hit.end() :]}"
    return found
