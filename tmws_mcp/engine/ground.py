"""What an answer stands on: how far the store was written when it was made.

Asked before each answer, so that it must cost next to nothing: as long as nobody has committed
anything (store/watch.py) what was read before still holds, and no thread is asked.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from tmws_mcp.model import Scope
from tmws_mcp.store import changes, memories, namespaces, versions
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection

MEMORIES_COUNTED_MAX = 100
"""The router asks whether there is anything to recall; counting a million would cost more."""
SCOPES_KEPT_MAX = 64


@dataclass(frozen=True, slots=True)
class Ground:
    """The state of a scope's namespaces."""

    memories: int
    """How many there are to recall, counted up to MEMORIES_COUNTED_MAX."""
    spaces: tuple[int, ...]
    """Keys of the namespaces that exist."""
    changed: int
    """Number of the newest change of a memory of theirs."""
    head: int
    """Number of the newest change of any memory in the store: up to there this state holds."""
    known_from: int
    """After which number every change is known; of a quiet namespace the log may hold none."""
    learned: int
    """Rises with each observation."""
    expires: float | None
    """When the next memory expires, seconds since 1970."""
    version: int | None = None
    """Of the whole store; None where it cannot be told."""


class Grounds:
    """The grounds of scopes, read again once something was written."""

    def __init__(
        self, store: Callable[[], Awaitable[Database]], *, clock: Callable[[], float]
    ) -> None:
        self._store, self._clock = store, clock
        self._known: OrderedDict[tuple[str, ...], Ground] = OrderedDict()

    async def of(self, scope: Scope) -> Ground:
        """Return the ground of a scope, as it is now.

        Raises:
            StoreError: The store cannot be read.
        """
        store, names = await self._store(), (scope.namespace, *scope.also)
        # Asked before it is read: what is written in between then makes it be read again.
        version, known = store.version(), self._known.get(names)
        if known and version is not None and known.version == version and not self._over(known):
            return known
        found = await store.read(_ground, names, self._clock())
        self._known[names] = ground = replace(found, version=version)
        self._known.move_to_end(names)
        while len(self._known) > SCOPES_KEPT_MAX:
            self._known.popitem(last=False)
        return ground

    def _over(self, ground: Ground) -> bool:
        return ground.expires is not None and ground.expires <= self._clock()


def _ground(db: Connection, names: tuple[str, ...], now: float) -> Ground:
    found = (namespaces.find(db, name) for name in names)
    spaces = tuple(ns for ns in found if ns is not None)
    ends = [versions.next_end(db, ns, now) for ns in spaces]
    return Ground(
        memories=sum(memories.counted(db, ns, MEMORIES_COUNTED_MAX) for ns in spaces),
        spaces=spaces,
        changed=changes.newest(db, spaces),
        head=changes.head(db),
        known_from=changes.known_from(db),
        learned=sum(namespaces.generation(db, ns, "learning") for ns in spaces),
        expires=min((end for end in ends if end is not None), default=None),
    )
