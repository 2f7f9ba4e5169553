"""What a replicator is given: a store, and what its slots mean."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from tmws_mcp.federation import fork
from tmws_mcp.model.federation import Slot
from tmws_mcp.store.driver import Connection

P = ParamSpec("P")
T = TypeVar("T")


class Store(Protocol):
    """What the replicator asks of a store; store/database.py gives it."""

    async def read(
        self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run the function on one snapshot."""
        ...

    async def write(
        self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run the function in one write transaction."""
        ...


@dataclass(frozen=True, slots=True)
class Bindings:
    """What the slots mean: functions that run within a transaction of the replicator's."""

    collect: Callable[[Connection, int], bool | None]
    """Make slots of what was counted since the last time; tell whether there is more."""
    adopt: Callable[[Connection, int, Iterable[bytes]], object]
    """Take over what changed for these things."""
    reauthor: fork.Reauthor
    """What is still one's own of a slot, after somebody else went on as the same actor."""
    is_sound: Callable[[Slot], bool] = lambda _: True
    """Whether a body can be read: a pure function of its bytes."""
    random: Callable[[int], bytes] = os.urandom


@dataclass(slots=True)
class Figures:
    """What went by since the process began."""

    pushed: int = 0
    received: int = 0
    refused: int = 0
    forks: int = 0
