"""Parameters found by comparing the arguments of several runs.

What was the same each time stays as it is. What varied becomes a `{parameter}`, named after its
key; what varied in step in two places is one parameter. What was masked as a secret is always one:
it is not known here, and must be given anew each time.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from tmws_mcp.masking import MASK
from tmws_mcp.model import JsonObject
from tmws_mcp.model.base import is_date

NAME_CHARS_MAX = 40
RESERVED = frozenset({"query"})
"""Every pattern has it."""
PARAMETERS_MAX = 20
_PATH = re.compile(r"[~.]{0,2}/\S*|[\w.-]+(?:/[\w.-]+)+/?|[\w-]+\.[A-Za-z]\w{0,4}")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that varied from run to run."""

    type: str
    values: tuple[JsonValue, ...]
    """One for each run."""


@dataclass(slots=True)
class Compared:
    """What some steps have in common."""

    steps: list[JsonObject] = field(default_factory=list)
    """The arguments of each step, with names of parameters where they varied."""
    parameters: dict[str, Parameter] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    """Arguments that only some of the runs had."""

    def name_for(self, hint: str, values: tuple[JsonValue, ...]) -> str:
        """Return the name of a parameter with these values; a known one where there is one."""
        for name, known in self.parameters.items():
            if known.values == values and not _is_masked(values):
                return name
        made = identifier(hint)
        taken = {*self.parameters, *RESERVED}
        numbered = (f"{made[: NAME_CHARS_MAX - 3]}_{n}" for n in range(2, 100))
        name = made if made not in taken else next(n for n in numbered if n not in taken)
        self.parameters[name] = Parameter(guessed_type(values), values)
        return name


def compare(runs: Sequence[Sequence[JsonObject]]) -> Compared:
    """Return what the runs have in common: for each run the arguments of each step."""
    found = Compared()
    for number, arguments in enumerate(zip(*runs, strict=True)):
        merged = _merged(found, f"step {number + 1}", "", list(arguments))
        assert isinstance(merged, dict)
        found.steps.append(merged)
    return found


def _merged(found: Compared, where: str, key: str, values: list[JsonValue]) -> JsonValue:
    """Return what stands for these values, one of each run."""
    objects = [value for value in values if isinstance(value, dict)]
    if len(objects) == len(values):
        shared = [name for name in objects[0] if all(name in other for other in objects)]
        every = {name for other in objects for name in other}
        found.left_out += [f"{name} of {where}" for name in sorted(every - set(shared))]
        return {
            name: _merged(found, where, name, [other[name] for other in objects]) for name in shared
        }
    first = values[0]
    constant = all(type(value) is type(first) and value == first for value in values)
    if constant and not _is_masked((first,)):
        return escaped(first)
    return f"{{{found.name_for(key or where, tuple(values))}}}"


def _is_masked(values: Sequence[JsonValue]) -> bool:
    return any(MASK in json.dumps(value, ensure_ascii=False) for value in values)


def escaped(value: JsonValue) -> JsonValue:
    """Return the value as a template that means it: braces are doubled."""
    if isinstance(value, str):
        return value.replace("{", "{{").replace("}", "}}")
    if isinstance(value, list):
        return [escaped(item) for item in value]
    if isinstance(value, dict):
        return {key: escaped(item) for key, item in value.items()}
    return value


def guessed_type(values: Sequence[JsonValue]) -> str:
    """Return what kind of value these are.

    >>> guessed_type(["src/a.py", "src/b.py"]), guessed_type([3, 5]), guessed_type(["x y", "z"])
    ('path', 'integer', 'text')
    """
    if not all(isinstance(value, str) for value in values):
        return _guessed_of_plain(values)
    texts = [str(value) for value in values]
    for kind, fits in (("url", _URL.fullmatch), ("date", is_date), ("path", _PATH.fullmatch)):
        if all(map(fits, texts)):
            return kind
    return "text"


def _guessed_of_plain(values: Sequence[JsonValue]) -> str:
    if all(isinstance(value, bool) for value in values):
        return "boolean"
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
        return "json"
    return "integer" if all(isinstance(value, int) for value in values) else "number"


def identifier(text: str) -> str:
    """Return the text as a name in a pattern file.

    >>> identifier("File-Path"), identifier("3rd")
    ('file_path', 'x_3rd')
    """
    made = re.sub(r"[^a-z0-9]+", "_", re.sub(r"([a-z])([A-Z])", r"\1_\2", text).lower()).strip("_")
    made = made if made[:1].isalpha() else f"x_{made}".rstrip("_")
    return made[:NAME_CHARS_MAX].rstrip("_")


def arguments_of(text: str | None) -> JsonObject | None:
    """Return what was kept of a call's arguments as an object; None where it was cut off."""
    if not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return None if text.lstrip().startswith(("{", "[")) else {"input": text}
    return found if isinstance(found, dict) else {"input": found}
