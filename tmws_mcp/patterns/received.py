"""What comes from outside, as a value that everything behind it can carry.

Another server, a program, a file name or a page may hold halves of surrogate pairs and NUL
characters, numbers that JSON has not, and lists nested without end. Any of them would fail far from
where it came in, and take the whole reply with it.
"""

import math
from dataclasses import dataclass

from pydantic import JsonValue

from tmws_mcp.model import JsonObject

DEPTH_MAX = 40
"""Deeper than that nobody reads; what stands there is left out and said so."""
TOO_DEEP = "(nested too deeply)"
VALUES_MAX = 4_000
"""So many values, however nested, are kept: shaping more to a budget would hold up all other calls.

A pattern that wants a few out of more picks them before.
"""
MORE = "left_out"
UNKNOWN = "\ufffd"
LINE_CHARS_MAX = 2_000


def received(value: JsonValue) -> JsonValue:
    """Return the value with nothing in it that cannot be stored or sent, and with an end.

    >>> received({"size": [1.5, float("inf")]})
    {'size': [1.5, 'inf']}
    """
    return _Receiving().value(value, 0)


@dataclass(slots=True)
class _Receiving:
    left: int = VALUES_MAX

    def value(self, value: JsonValue, depth: int) -> JsonValue:
        self.left -= 1
        if isinstance(value, str):
            return sound(value)
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)
        if isinstance(value, list | dict) and value and depth == DEPTH_MAX:
            return TOO_DEEP
        if isinstance(value, list):
            return self._list(value, depth)
        return self._object(value, depth) if isinstance(value, dict) else value

    def _list(self, items: list[JsonValue], depth: int) -> list[JsonValue]:
        kept = [self.value(item, depth + 1) for item in items if self.left > 0]
        return [*kept, f"{len(items) - len(kept):,} more"] if len(kept) < len(items) else kept

    def _object(self, items: JsonObject, depth: int) -> JsonObject:
        kept = {
            sound(str(key)): self.value(item, depth + 1)
            for key, item in items.items()
            if self.left > 0
        }
        return {**kept, MORE: len(items) - len(kept)} if len(kept) < len(items) else kept


def sound(text: str) -> str:
    """Return the text without NUL characters and halves of surrogate pairs."""
    text = text.replace("\0", UNKNOWN)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def one_line(text: str) -> str:
    """Return the beginning of a text as one sound line: no error may look like words of ours."""
    return " ".join(sound(text[:LINE_CHARS_MAX]).split())
