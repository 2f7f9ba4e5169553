"""A task or a tool as a whole: it lies in many slots, and goes with one tombstone.

That of the task's own slot, or of the tool's own count, says it all. Whoever forgets it buries
whatever else it knows about it. Who takes the tombstone in takes back what it counted about it
itself before, which nobody else may know of; what others count since then stays.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tmws_mcp.federation import bodies
from tmws_mcp.federation.privacy import Place, Seal
from tmws_mcp.federation.slots import CONTEXT, OUTCOME, REDACTED, TASK
from tmws_mcp.federation.wire import UNREADABLE
from tmws_mcp.store import actor as identities
from tmws_mcp.store import slots as table
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context

TOOL = "tool"

Related = Callable[[Connection, int, Context], tuple[Sequence[Context], Sequence[Context]]]
"""What learning's own tables have about it: (outcomes, contexts)."""


@dataclass(frozen=True, slots=True)
class Wholes:
    """Tasks and tools of one namespace."""

    seal: Seal
    related: Related

    def place(self, key: bytes) -> Place | None:
        """Return the task or the tool that a slot stands for as a whole, None if for none."""
        place = self.seal.shown(key)
        if place is None or not _is_whole(key[:1], place):
            return None
        return place

    def parts(self, db: Connection, ns: int, place: Place) -> list[bytes]:
        """Return the keys of all slots that hold something about it, but for its own one."""
        own = self.seal.hidden(_kind(place), place)
        related = (*self._related(db, ns, place), *self._seen(db, ns, place))
        keys = [key for key in dict.fromkeys(related) if key != own]
        found = table.of_keys(db, ns, keys)
        return [key for key in keys if any(slot.body for slot in found.get(key, {}).values())]

    def own(self, db: Connection, ns: int, keys: Iterable[bytes]) -> list[bytes]:
        """Return those of the slots in which this instance itself counts something."""
        found = table.find(db, ns, identities.identity(db), list(keys))
        return [key for key, slot in found.items() if slot.body != REDACTED]

    def _related(self, db: Connection, ns: int, place: Place) -> Iterable[bytes]:
        for kind, contexts in zip((OUTCOME, CONTEXT), self.related(db, ns, place), strict=True):
            hidden = (self.seal.hidden(kind, Place(*context)) for context in contexts)
            yield from (key for key in hidden if key is not None)

    def _seen(self, db: Connection, ns: int, place: Place) -> Iterable[bytes]:
        """Look into the slots themselves: not all of them are believed, and so in other tables."""
        if place.kind == TOOL:
            name = place.action.encode()
            held = table.holding(db, ns, name)
            return (key for key, body in held if self._names(key, body, place.action))
        told = bytes.fromhex(self.seal.word(place.key))
        names = (place.key, f"task:{place.key}")
        return (key for key, _ in table.holding(db, ns, told) if self._key(key) in names)

    def _names(self, key: bytes, body: bytes, tool: str) -> bool:
        place = self.seal.shown(key)
        if place is None or key[:1] not in (OUTCOME, CONTEXT):
            return False
        return place.action == tool or (key[:1] == OUTCOME and tool in _about(body))

    def _key(self, key: bytes) -> str | None:
        place = self.seal.shown(key) if key[:1] in (OUTCOME, CONTEXT) else None
        return place.key if place else None


def _is_whole(kind: bytes, place: Place) -> bool:
    return kind == TASK or (kind == OUTCOME and place.kind == TOOL)


def _kind(place: Place) -> bytes:
    return OUTCOME if place.kind == TOOL else TASK


def _about(body: bytes) -> Sequence[str]:
    try:
        return bodies.counts(body).about
    except UNREADABLE:
        return ()
