"""Validation errors in few words, for a model or a person to act on.

pydantic's own text repeats the rejected input and links to its web site: noise that costs tokens,
and that may hold what the caller would not have repeated.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tmws_mcp.errors import InvalidInput

PROBLEMS_MAX = 5

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
    found = error.errors(include_url=False, include_context=True, include_input=False)
    lines = [_line(problem, allowed) for problem in found[:PROBLEMS_MAX]]
    if len(found) > PROBLEMS_MAX:
        lines.append(f"and {len(found) - PROBLEMS_MAX} more.")
    return " ".join(lines)


def _line(problem: Any, allowed: tuple[str, ...]) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return _unknown(where, allowed if len(problem["loc"]) == 1 else ())
    if problem["type"] == "missing":
        return f"{where} is missing."
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return f"{where}: {message.rstrip('.')}."


def _unknown(name: str, allowed: tuple[str, ...]) -> str:
    close = get_close_matches(name, allowed, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    choice = f" Allowed: {', '.join(allowed)}." if allowed else ""
    return f"Unknown argument {name[:80]}.{hint}{choice}"
