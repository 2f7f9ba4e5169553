"""What a step found, as the words that a later one asks the memory with.

Only recalls and recommendations take them: what a file, another server or a memory holds may be
looked for, but is never a word of a command, an address or a tool's argument.
"""

from collections.abc import Iterable, Iterator, Mapping

from pydantic import JsonValue

from tmws_mcp.patterns.notes import is_memory

PASSED_CHARS_MAX = 500
"""Of what a step found; more words than that point at nothing any more."""


def words_of(value: JsonValue) -> str:
    """Return the texts within a value, of a memory what it says, at most so many characters.

    >>> words_of({"changed": ["+4 -0 store.py"], "count": 1, "new": ["batches.py"]})
    '+4 -0 store.py batches.py'
    """
    said = ""
    for text in _texts(value):
        said = f"{said} {text}" if said else text
        if len(said) >= PASSED_CHARS_MAX:
            break
    return said[:PASSED_CHARS_MAX]


def with_results(
    arguments: Mapping[str, str], results: Iterable[tuple[str, JsonValue]]
) -> dict[str, str]:
    """Return the arguments, and the words of what steps found under the steps' names."""
    return dict(arguments) | {name: words_of(value) for name, value in results}


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        inner = [value["content"]] if is_memory(value) else value.values()
        for item in inner:
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
