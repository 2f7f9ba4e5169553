"""What comes from outside, as a value that everything behind it can carry.

Another server, a program, a file name or a page may hold halves of surrogate pairs and NUL
characters, numbers that JSON has not, and lists nested without end. Any of them would fail far from
where it came in, and take the whole reply with it.
"""

import math

from pydantic import JsonValue

DEPTH_MAX = 40
"""Deeper than that nobody reads; what stands there is left out and said so."""
TOO_DEEP = "(nested too deeply)"
UNKNOWN = "\ufffd"
LINE_CHARS_MAX = 2_000


def received(value: JsonValue, depth: int = 0) -> JsonValue:
    """Return the value with nothing in it that cannot be stored or sent.

    >>> received({"size": [1.5, float("inf")]})
    {'size': [1.5, 'inf']}
    """
    if isinstance(value, str):
        return sound(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list | dict) and value and depth == DEPTH_MAX:
        return TOO_DEEP
    if isinstance(value, list):
        return [received(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {sound(str(key)): received(item, depth + 1) for key, item in value.items()}
    return value


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
