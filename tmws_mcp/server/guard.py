"""What stands between a client's call and the engine: strict arguments, limits, error texts.

A model reads the errors and corrects itself, so that they name what is wrong and what is allowed,
and repeat nothing large. Whatever is refused here has changed nothing.
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio

from tmws_mcp.errors import InvalidInput, Overloaded, TooLarge
from tmws_mcp.model import JsonObject

ARGUMENTS_BYTES_MAX = 4_000_000  # the SDK's limit of an HTTP request, for every transport
ARGUMENTS_DEPTH_MAX = 40
OUTPUT_CHARS_MAX = 250_000  # room for the longest memory and for nothing absurd
ERROR_CHARS_MAX = 2_000
WAITING_MAX = 1_000  # calls; more are refused at once rather than kept


class Limits:
    """How many calls are at work at once, and for how long each."""

    def __init__(self, *, calls_max: int, call_seconds_max: float) -> None:
        # A free slot is taken at once: another round of the event loop would be time of each call.
        self._slots = anyio.Semaphore(calls_max, fast_acquire=True)
        self._calls_max, self._seconds = calls_max, call_seconds_max

    @property
    def at_work(self) -> int:
        """How many calls are at work."""
        return self._calls_max - self._slots.value

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return self._slots.statistics().tasks_waiting

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a free slot and hold it; waiting counts as time of the call.

        Raises:
            Overloaded: Too many calls wait already, or the call took too long and was stopped.
        """
        if self.waiting >= WAITING_MAX:
            raise Overloaded(
                f"{self._calls_max} calls are at work and {WAITING_MAX} wait. Try again later."
            )
        with anyio.move_on_after(self._seconds) as time_limit:
            async with self._slots:
                yield
        if time_limit.cancelled_caught:
            raise Overloaded(
                f"The call was stopped after {self._seconds:g} s. Ask for less at once; "
                "a write may have been made: look before you repeat it."
            )


def prepared(arguments: Mapping[str, Any], schema: JsonObject) -> dict[str, Any]:
    """Return the arguments as the request's model expects them.

    Clients send null for what they leave out, and JSON text for arrays and objects. Such text is
    read only where the argument cannot be text itself: the error `{"status": 400}` stays as it is.

    Raises:
        InvalidInput: They are too large, nested too deeply, or hold text that is not JSON.
    """
    check_size(arguments)
    properties: Any = schema["properties"]
    return {
        name: _unwrapped(name, value, properties.get(name, {}))
        for name, value in arguments.items()
        if value is not None
    }


def check_size(arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that are too large, or nested too deeply.

    Raises:
        InvalidInput: They are.
    """
    size = sum(_sizes(arguments, 0))
    if size > ARGUMENTS_BYTES_MAX:
        raise TooLarge(
            "This call", size, ARGUMENTS_BYTES_MAX, "bytes", remedy="Split it into several calls."
        )


def _sizes(value: Any, depth: int) -> Iterator[int]:
    """Give the bytes of each text and name in the value, and one for anything else."""
    if depth > ARGUMENTS_DEPTH_MAX:
        raise InvalidInput(f"The arguments are nested more than {ARGUMENTS_DEPTH_MAX} levels deep.")
    if isinstance(value, str):
        yield len(value.encode("utf-8", "surrogatepass"))
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield len(name)
            yield from _sizes(part, depth + 1)
    elif isinstance(value, list):
        for part in value:
            yield from _sizes(part, depth + 1)
    else:
        yield 1


def _unwrapped(name: str, value: Any, schema: Mapping[str, Any]) -> Any:
    """Read JSON text where only an array or an object will do, and drop nulls in its items."""
    if isinstance(value, str) and schema.get("type") in ("array", "object"):
        value = _from_json(name, value, str(schema["type"]))
    if isinstance(value, list) and schema.get("items") == {"type": "object"}:
        return [_without_nulls(item) for item in value]
    return value


def _from_json(name: str, text: str, wanted: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput(f"{name} must be an {wanted}, not text.") from None
    check_size({name: value})
    return value


def _without_nulls(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    return {name: value for name, value in item.items() if value is not None}


def refusal(problem: str) -> str:
    """Return an error's text as a model gets it."""
    return problem[:ERROR_CHARS_MAX]


def checked_output(text: str) -> str:
    """Return the text of a reply.

    Raises:
        TooLarge: No client would show it to its model.
    """
    if len(text) > OUTPUT_CHARS_MAX:
        raise TooLarge(
            "The answer",
            len(text),
            OUTPUT_CHARS_MAX,
            "characters",
            remedy="Ask for less at once: a smaller limit or token_budget, or fewer ids.",
        )
    return text
