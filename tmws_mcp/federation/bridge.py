"""A bridge: what a group of instances counts, told to other groups as if one had counted it.

Up to some fifty instances share a hub well; a thousand are twenty groups. In each group one
instance keeps a bridge: a replica of the group's hub and one of the hub above, each with an actor
of its own. Upwards it tells of each thing the sum of what the group's instances count; downwards
the sum of what the other bridges tell. Neither sum holds what came from the other side, so that
nothing comes back to where it was counted. Both are slots with absolute totals: what makes the
protocol exact makes this exact as well, and a bridge may stop at any moment and go on later.

A bridge that is gone for good is forgotten above and in its group like any instance
(`federation forget --actor`); the next one tells the same sums anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tmws_mcp.federation import replica
from tmws_mcp.federation.replicator import Replicator
from tmws_mcp.federation.slots import REDACTED, TOMBSTONE, forgets
from tmws_mcp.model.federation import Slot
from tmws_mcp.store import actor as identities
from tmws_mcp.store import slots as table
from tmws_mcp.store.driver import Connection

TOLD_MAX = 500
"""Sums written in one transaction."""

Summed = Callable[[bytes, Sequence[bytes]], bytes]
"""(kind of slot, bodies) -> the body that says what they say together."""


@dataclass(slots=True)
class Bridge:
    """Two replicas with an actor each; what one hears of others the other one tells."""

    group: Replicator
    above: Replicator
    summed: Summed
    _heard: dict[str, int] = field(default_factory=dict)
    """Of each side, how much had come when it was carried last."""

    async def tick(self) -> None:
        """Agree with both hubs, and tell each what the other side counts.

        Raises:
            HubAway: One of the hubs does not answer.
            StaleEpoch: One was emptied in the middle; the next tick begins anew.
        """
        await self.group.tick()
        await self.above.tick()
        told_above = await self._carry("group", self.group, self.above)
        told_group = await self._carry("above", self.above, self.group)
        if told_above:
            await self.above.tick()
        if told_group:
            await self.group.tick()

    async def _carry(self, side: str, here: Replicator, there: Replicator) -> int:
        """Tell on one side what is counted on the other; return of how many things."""
        received = here.figures.received
        if self._heard.get(side) == received:
            return 0
        tombs, sums = await here.store.read(_heard, here.ns, self.summed)
        told: int = await there.store.write(_bury, there.ns, tombs)
        items = list(sums.items())
        for start in range(0, len(items), TOLD_MAX):
            told += await there.store.write(_tell, there.ns, dict(items[start : start + TOLD_MAX]))
        self._heard[side] = received
        return told


class _Sum(NamedTuple):
    """What others count together of a thing, in its newest life."""

    gen: int
    body: bytes


def _heard(db: Connection, ns: int, summed: Summed) -> tuple[dict[bytes, Slot], dict[bytes, _Sum]]:
    """Return the tombstones, and of each thing what others than this actor count together."""
    me = identities.identity(db)
    tombs: dict[bytes, Slot] = {}
    told: dict[bytes, list[Slot]] = {}
    for actor in table.peers(db, ns):
        for slot in table.of_actor(db, ns, actor):
            if slot.key[:1] == TOMBSTONE:
                known = tombs.get(slot.key)
                tombs[slot.key] = slot if known is None or slot.gen > known.gen else known
            elif not forgets(slot) and actor != me:
                told.setdefault(slot.key, []).append(slot)
    return tombs, {key: _sum(key, slots, summed) for key, slots in told.items()}


def _sum(key: bytes, slots: Sequence[Slot], summed: Summed) -> _Sum:
    alive = [slot.body for slot in slots if slot.body]
    body = summed(key[:1], alive) if alive else REDACTED
    return _Sum(max(slot.gen for slot in slots), body)


def _bury(db: Connection, ns: int, tombs: dict[bytes, Slot]) -> int:
    """Forget here what is forgotten on the other side."""
    known = table.greatest_gens(db, ns, list(tombs))
    new = [tomb for key, tomb in tombs.items() if tomb.gen > known.get(key, 0)]
    for tomb in new:
        replica.repeat(db, ns, tomb)
    return len(new)


def _tell(db: Connection, ns: int, sums: dict[bytes, _Sum]) -> int:
    """Write those sums that are others than the ones that were told last.

    What the other side has not heard yet to be forgotten is not told again: it would be a new life.
    """
    known = table.find(db, ns, identities.identity(db), list(sums))
    lives = table.greatest_gens(db, ns, [TOMBSTONE + key for key in sums])
    new = {
        key: told.body
        for key, told in sums.items()
        if told.gen >= lives.get(TOMBSTONE + key, 0)
        and told.body != (known[key].body if key in known else REDACTED)
    }
    numbers = identities.next_seqs(db, len(new))
    told = {key: (seq, body) for seq, (key, body) in zip(numbers, new.items(), strict=True)}
    if told:
        replica.write_own(db, ns, told)
    return len(told)
