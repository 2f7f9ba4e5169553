"""What a pattern declares of its arguments, and values that are not what was declared."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field, StringConstraints

from tmws_mcp.model.base import Text, is_date
from tmws_mcp.patterns.regexes import Regex, RegexRefused
from tmws_mcp.patterns.steps import Definition, Template
from tmws_mcp.patterns.templates import ArgumentType

CHOICES_MAX = 50
PATTERN_CHARS_MAX = 200
VALUE_SHOWN_MAX = 60
VALUE_CHARS_MAX = 4_000
"""What a caller may give for a name."""
CHECKED_TYPES = frozenset({"path", "date", "integer", "number"})
"""Types that say enough of a value for it to become an argument of a program.

A date is held against its type here, a path and a number where they become such an argument.
"""

Choice = Annotated[Text, StringConstraints(min_length=1, max_length=200)]


class Argument(Definition):
    """A value that steps use by its name; the caller's `context` may give it."""

    default: Template | None = None
    """Where neither the query nor the context gives it; may refer to `{query}`."""
    type: ArgumentType = "text"
    """What it becomes where it is a whole value of an action's or tool's arguments."""
    pattern: Annotated[Text, StringConstraints(max_length=PATTERN_CHARS_MAX)] | None = None
    """RE2; the whole value must match it."""
    choices: Annotated[tuple[Choice, ...], Field(max_length=CHOICES_MAX)] = ()
    """The only values that it may have."""

    @property
    def is_checked(self) -> bool:
        """Whether it can have more than any text."""
        return bool(self.pattern or self.choices or self.type in CHECKED_TYPES)


def argument_problems(arguments: Mapping[str, Argument]) -> Iterator[str]:
    """Yield what is wrong with what is declared."""
    for name, argument in arguments.items():
        if argument.pattern is not None:
            try:
                Regex(argument.pattern)
            except RegexRefused as error:
                yield f"arguments.{name}.pattern: RE2 refuses {argument.pattern!r}: {error}"
        default = argument.default
        if default and "{" not in default and (why := why_refused(name, default, argument)):
            yield f"arguments.{name}.default: {why}"


def refused(arguments: Mapping[str, Argument], values: Mapping[str, str]) -> dict[str, str]:
    """Return the names whose values are too long, or not what was declared, and what was."""
    found = {
        name: too_long(name, value)
        or (why_refused(name, value, arguments[name]) if name in arguments else None)
        for name, value in values.items()
    }
    return {name: why for name, why in found.items() if why}


def too_long(name: str, value: str) -> str | None:
    """Say that a value is longer than it may be; None where it is not."""
    if len(value) <= VALUE_CHARS_MAX:
        return None
    return f"{name} has {len(value):,} characters, and may have {VALUE_CHARS_MAX:,}"


def why_refused(name: str, value: str, argument: Argument) -> str | None:
    """Say what is wrong with a value; None where nothing is."""
    shown = f"{name} is {value[:VALUE_SHOWN_MAX]!r}, and must"
    if argument.choices and value not in argument.choices:
        return f"{shown} be one of {', '.join(argument.choices)}"
    if argument.pattern is not None:
        hit = Regex(rf"\A(?:{argument.pattern})\z").search(value)
        if hit is None:
            return f"{shown} match {argument.pattern}"
    if argument.type == "date" and not is_date(value):
        return f"{shown} be a date such as 2026-05-08"
    return None
