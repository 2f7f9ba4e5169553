"""The hub: one more replica that all instances reach, and never the truth.

It may be empty, old, or away at any moment. Whatever it answers is compared with what is known; it
gets what it lacks from whoever has it. memory_hub.py and redis_hub.py are hubs; the tests of the
faults are what a new one has to pass.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from tmws_mcp.model.federation import Mark, Slot

TRAIL_MAX = 64
"""So many of the tags that an actor's mark has had are kept."""
START = "0"
"""Cursor before the first entry of the log."""


def place(cursor: str) -> tuple[int, ...]:
    """Return where a cursor stands in the log, to be compared with others.

    >>> place("1700000000000-9") < place("1700000000000-10")
    True
    """
    return tuple(int(part) for part in cursor.split("-"))


class HubAway(Exception):
    """The hub does not answer, or is not able to; it is asked again later."""


class StaleEpoch(Exception):
    """The hub was emptied since its epoch was read: what was sent is not applied."""


class OtherMark(Exception):
    """The actor's mark at the hub is not the expected one: what was sent is not applied."""


class Opened(NamedTuple):
    """What a hub says first."""

    epoch: str
    """Random, made when the hub is found empty."""
    marks: Mapping[str, Mark]
    """Actor -> up to where its slots are there."""


class Sealed(NamedTuple):
    """Slots of an actor on their way to the hub: see wire.Entry."""

    actor: str
    start: int
    end: int
    tag: bytes
    slots: Sequence[tuple[Slot, bytes]]
    """Each with the value that the hub is to keep."""
    raw: bytes
    mac: bytes
    expects: bytes | None = None
    """The tag that the actor's mark at the hub must have; None: any will do, b"": there is none."""


class Page(NamedTuple):
    """Some of an actor's slots as the hub keeps them."""

    cursor: int
    """Where the next page begins; 0: this was the last one."""
    slots: Sequence[tuple[bytes, bytes]]
    """(slot key, stored value)"""


class Appended(NamedTuple):
    """Where an entry stands in the log."""

    before: str
    """Cursor of the entry before it."""
    cursor: str


class Log(NamedTuple):
    """What was appended to the hub's log after a cursor."""

    cursor: str
    entries: Sequence[tuple[bytes, bytes]]
    """(raw, mac) each."""


Digests = Mapping[str, tuple[int, int]]
"""Actor -> (vv, digest)."""


class Hub(Protocol):
    """Eight calls; each raises HubAway where it gets no answer."""

    async def open(self) -> Opened:
        """Say epoch and marks, in one step."""
        ...

    async def push(self, epoch: str, sealed: Sealed) -> Appended:
        """Merge slots and append the entry to the log, in one step.

        The actor's mark moves only where `start` is not above it.

        Raises:
            StaleEpoch: The epoch is another one.
            OtherMark: The mark has not the tag that is expected.
        """
        ...

    async def read(self, cursor: str) -> Log:
        """Return what the log still has after the cursor: a hint, it may have been cut."""
        ...

    async def wait(self, cursor: str, seconds: float) -> Log:
        """Wait until the log has something after the cursor; without entries if it has not."""
        ...

    async def page(self, actor: str, cursor: int) -> Page:
        """Return slots of an actor; those there all the while come at least once."""
        ...

    async def trail(self, actor: str) -> Sequence[bytes]:
        """Return the tags that an actor's mark has had since the hub was empty, the newest last."""
        ...

    async def tell(self, actor: str, digests: Digests) -> None:
        """Say what one's own replica holds."""
        ...

    async def told(self) -> Mapping[str, Digests]:
        """Return what each instance has said that it holds."""
        ...
