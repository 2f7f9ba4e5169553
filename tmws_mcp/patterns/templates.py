"""`{query}` and `{name}` in the texts of a pattern's steps.

A template knows names and nothing else: no attributes, no indices, no formatting, and what was
filled in is not looked at again, so that a query cannot reach anything through it. A brace that
does not enclose a name is refused when the file is read; `{{` and `}}` stand for braces.
"""

import re
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

_TOKEN = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]{0,39})\}|[{}]")


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


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
