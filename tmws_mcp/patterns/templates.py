"""`{query}` and `{name}` in the texts of a pattern's steps.

A template knows names and nothing else: no attributes, no indices, no formatting, and what was
filled in is not looked at again, so that a query cannot reach anything through it. A brace that
does not enclose a name is refused when the file is read; `{{` and `}}` stand for braces.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from pydantic import JsonValue

from tmws_mcp.errors import InvalidInput
from tmws_mcp.patterns.period import period

_TOKEN = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]{0,39})\}|[{}]")


ArgumentType = Literal[
    "text", "path", "url", "date", "moment", "integer", "number", "boolean", "json"
]
"""The first four are texts, and say what to look for in a query or a file.

A moment is the beginning of the time that a text names ("last week"), in ISO form; empty where it
names none.
"""


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


CONVERTED: dict[str, Callable[[JsonValue], bool]] = {
    "integer": lambda value: _is_number(value) and isinstance(value, int),
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "json": lambda _: True,
}


class UnknownName(KeyError):
    """No value was given for a name in a template; the argument is the name."""


def names_in(template: str) -> frozenset[str]:
    """Return the names that a template refers to.

    Raises:
        ValueError: A brace does not enclose a name.
    """
    names = set()
    for token in _TOKEN.finditer(template):
        if token[0] in "{}":
            raise ValueError(
                f"a brace at character {token.start() + 1} does not enclose a name; "
                "write {name}, or {{ and }} for braces"
            )
        if token[1]:
            names.add(token[1])
    return frozenset(names)


def names_in_value(value: JsonValue) -> frozenset[str]:
    """Return the names that the texts within a value refer to."""
    return frozenset(name for text in _texts(value) for name in names_in(text))


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return the template with its names replaced.

    >>> fill("{verb} {{it}}", {"verb": "take"})
    'take {it}'

    Raises:
        UnknownName: There is no value for one of the names.
    """

    def value(token: re.Match[str]) -> str:
        name = token[1]
        if name is None:
            return token[0][0]
        if name not in values:
            raise UnknownName(name)
        return values[name]

    return _TOKEN.sub(value, template)


def fill_value(value: JsonValue, values: Mapping[str, str]) -> JsonValue:
    """Return the value with all texts in it filled; keys are left alone."""
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, list):
        return [fill_value(item, values) for item in value]
    if isinstance(value, dict):
        return {key: fill_value(item, values) for key, item in value.items()}
    return value


def typed_value(
    value: JsonValue, values: Mapping[str, str], types: Mapping[str, ArgumentType]
) -> JsonValue:
    """Return the value filled; a text that is one name alone becomes what the name's type says.

    >>> typed_value({"line": "{n}", "say": "line {n}"}, {"n": "7"}, {"n": "integer"})
    {'line': 7, 'say': 'line 7'}

    Raises:
        UnknownName: There is no value for one of the names.
        InvalidInput: A value does not have its type.
    """
    if isinstance(value, str):
        name = value[1:-1]
        alone = value == f"{{{name}}}" and types.get(name, "text") in (*CONVERTED, "moment")
        return _converted(name, fill(value, values), types[name]) if alone else fill(value, values)
    if isinstance(value, list):
        return [typed_value(item, values, types) for item in value]
    if isinstance(value, dict):
        return {key: typed_value(item, values, types) for key, item in value.items()}
    return value


def _converted(name: str, text: str, wanted: ArgumentType) -> JsonValue:
    if wanted == "moment":
        since = period(text, time.time()).since
        return since.isoformat(timespec="seconds") if since else ""
    try:
        found: JsonValue = json.loads(text.lower() if wanted == "boolean" else text)
    except ValueError as error:
        raise InvalidInput(f"{name} is {text!r}, and must be of type {wanted}") from error
    if not CONVERTED[wanted](found):
        raise InvalidInput(f"{name} is {text!r}, and must be of type {wanted}")
    return found


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
