"""A Python function as an action."""

import inspect
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio.to_thread
from pydantic import JsonValue

from tmws_mcp.actions.action import Action, Workspace
from tmws_mcp.errors import ActionError, InvalidInput
from tmws_mcp.model import JsonObject

NAME_PARTS_MAX = 3


def action_of(name: str, function: Callable[..., Any], *, read_only: bool = False) -> Action:
    """Return the action that calls a function with a step's arguments by their names.

    A function that is not async runs in a worker thread.

    Raises:
        InvalidInput: The name is not one that a step can call.
    """
    parts = name.split(".")
    if not (1 <= len(parts) <= NAME_PARTS_MAX and all(map(_is_word, parts))):
        raise InvalidInput(f"An action's name is one to three words with dots, not {name!r}.")
    signature = inspect.signature(function)

    async def run(arguments: JsonObject, where: Workspace) -> JsonValue:
        del where
        try:
            signature.bind(**arguments)
        except TypeError as error:
            raise ActionError(f"{name}: {error}.") from error
        if inspect.iscoroutinefunction(function):
            value = await function(**arguments)
        else:
            value = await anyio.to_thread.run_sync(
                partial(function, **arguments), abandon_on_cancel=True
            )
        return as_json(name, value)

    summary = (inspect.getdoc(function) or name).splitlines()[0]
    return Action(name, summary, run, read_only=read_only)


def _is_word(part: str) -> bool:
    return part.isascii() and part.isidentifier() and part.islower()


def as_json(name: str, value: Any) -> JsonValue:
    """Return what a function returned as JSON would carry it."""
    try:
        found: JsonValue = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ActionError(f"{name} returned what JSON cannot hold: {error}.") from error
    return found
