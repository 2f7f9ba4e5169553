"""Validation errors in few words, for a model or a person to act on.

pydantic's own text repeats the rejected input and links to its web site: noise that costs tokens,
and that may hold what the caller would not have repeated.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tmws_mcp.errors import InvalidInput

PROBLEMS_MAX = 5
TRIED = ("str", "dict", "list", "float", "int", "bool")
WANTED = {
    "string_type": "must be text",
    "string_unicode": "must be text in UTF-8",
    "tuple_type": "must be an array",
    "list_type": "must be an array",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
}

M = TypeVar("M", bound=BaseModel)


def validated(model: type[M], values: Mapping[str, Any] | M) -> M:
    """Return the model made of the values.

    Raises:
        InvalidInput: They do not fit; the message names each field and what it may be.
    """
    if isinstance(values, model):
        return values
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidInput(problems(error, tuple(model.model_fields))) from error


def problems(error: ValidationError, allowed: tuple[str, ...]) -> str:
    """Return one sentence for each of the first few problems."""
    return told(error.errors(include_url=False, include_context=True, include_input=False), allowed)


def told(found: Sequence[Mapping[str, Any]], allowed: tuple[str, ...] = ()) -> str:
    """Return the same for problems as pydantic lists them."""
    lines = [_line(problem, allowed) for problem in found[:PROBLEMS_MAX]]
    if len(found) > PROBLEMS_MAX:
        lines.append(f"and {len(found) - PROBLEMS_MAX} more.")
    return " ".join(lines)


def _line(problem: Any, allowed: tuple[str, ...]) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return unknown(where, allowed if len(problem["loc"]) == 1 else ())
    if problem["type"] == "missing":
        return f"{where} is missing."
    where, said = _place(problem["loc"]), _said(problem)
    return f"{where}: {said}." if where else f"{said[0].upper()}{said[1:]}."


def _place(loc: Sequence[str | int]) -> str:
    """Name the argument; pydantic adds the kinds of value that it has tried, which nobody sent."""
    return ".".join(str(part) for part in loc if "[" not in str(part) and part not in TRIED)


def _said(problem: Any) -> str:
    """Return what a value must be, in the words of JSON rather than of Python."""
    kind, limits = problem["type"], problem.get("ctx", {})
    if kind in WANTED:
        return WANTED[kind]
    if kind in ("too_long", "string_too_long"):
        return _too_long(limits)
    if kind in ("too_short", "string_too_short"):
        return "must not be empty"
    message: str = problem["msg"].removeprefix("Value error, ")
    return message.replace("Input should be ", "must be ").rstrip(".")


def _too_long(limits: Mapping[str, Any]) -> str:
    unit = "items" if limits.get("field_type") in ("Tuple", "Dictionary", "List") else "characters"
    found, most = limits.get("actual_length"), limits.get("max_length")
    has = f"has {found:,} {unit}" if isinstance(found, int) else f"has too many {unit}"
    return f"{has}, the limit is {most:,}"


def unknown(name: str, allowed: tuple[str, ...]) -> str:
    """Say that there is no such argument, and which there are."""
    close = get_close_matches(name, allowed, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    choice = f" Allowed: {', '.join(allowed)}." if allowed else ""
    return f"Unknown argument {name[:80]}.{hint}{choice}"
