"""Where a reply ended, so that the next call can go on.

A cursor is short, since a model pays for it twice. It says nothing but a place; the query and its
filters come again with the call, and a code made with the store's own key binds the two together: a
cursor of another query or another store, or one that was made up, is refused.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from tmws_mcp.errors import InvalidInput

Kind = Literal["ranked", "newest", "ids"]
FORM = re.compile(
    r"(?P<kind>[rni])(?P<shown>\d{1,9})\.(?P<number>\d{1,18})\.(?P<code>[0-9a-f]{12})", re.ASCII
)
CODE_BYTES = 6


@dataclass(frozen=True, slots=True)
class Place:
    """How far a reply came."""

    kind: Kind
    shown: int
    """Memories shown so far."""
    number: int = 0
    """The key of the last one (newest first), or the characters shown of a memory (ids)."""


def written(place: Place, key: str, bound: Sequence[object]) -> str:
    """Return the cursor of a place within what `bound` names."""
    body = f"{place.kind[0]}{place.shown}.{place.number}".encode()
    return f"{body.decode()}.{_code(body, key, bound)}"


def read(cursor: str, kind: Kind, key: str, bound: Sequence[object]) -> Place:
    """Return the place that a cursor names.

    Raises:
        InvalidInput: It does not belong to this call.
    """
    parts = FORM.fullmatch(cursor)
    if parts is None or parts["kind"] != kind[0]:
        raise _foreign()
    body = cursor.rpartition(".")[0].encode()
    if parts["code"] != _code(body, key, bound):
        raise _foreign()
    return Place(kind, int(parts["shown"]), int(parts["number"]))


def _code(body: bytes, key: str, bound: Sequence[object]) -> str:
    text = json.dumps(bound, default=str).encode()
    return blake2b(body + text, key=key.encode(), digest_size=CODE_BYTES).hexdigest()


def _foreign() -> InvalidInput:
    return InvalidInput(
        "This cursor belongs to another call. Repeat the call that gave it with the same query, "
        "ids, filters and namespace, and the cursor added; or leave the cursor out."
    )
