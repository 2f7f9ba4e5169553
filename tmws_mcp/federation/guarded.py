"""A push of one's own: the hub takes it only if nobody else has pushed as this actor meanwhile.

What it refuses is noted as not sent. Of two stores that write as one actor (fork.py) one pushes
first; the other one counts what it had to say again, as somebody else.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from tmws_mcp.federation import outgoing
from tmws_mcp.federation.hub import OtherMark, StaleEpoch
from tmws_mcp.model.federation import Mark, Slot
from tmws_mcp.store import slots as table
from tmws_mcp.store.driver import Connection

if TYPE_CHECKING:
    from tmws_mcp.federation.replicator import Replicator


class There(NamedTuple):
    """What the hub was left with by the last push from here."""

    epoch: str
    actor: str
    mark: Mark


class Outgoing(NamedTuple):
    """What is to be sent."""

    slots: Sequence[Slot]
    mark: Mark
    pushed: int = 0
    """Up to where had been sent before."""


def told(one: "Replicator", db: Connection, there: There) -> Outgoing:
    """Return own slots that the hub has not, and their mark."""
    pushed = table.link(db, one.ns).pushed
    slots, mark = one.outgoing(db, there.actor, there.mark.seq)
    return Outgoing(slots, mark, pushed)


async def send(one: "Replicator", there: There, said: Outgoing) -> bool:
    """Give it to the hub; False where the hub is not as it was left."""
    expects, slots_max = there.mark.tag, one.entry_slots_max
    entries = outgoing.entries(there.actor, said.slots, there.mark.seq, said.mark, slots_max)
    try:
        for entry in entries:
            await one.send(there.epoch, entry, expects=expects)
            expects = said.mark.tag
    except (OtherMark, StaleEpoch):
        if expects == there.mark.tag:  # nothing of it was applied
            await one.store.write(take_back, one.ns, said)
        return False
    one.there = there._replace(mark=said.mark)
    return True


def take_back(db: Connection, ns: int, said: Outgoing) -> None:
    """Note as not sent what the hub has refused: a twin counts it again as its own."""
    if table.link(db, ns).pushed == said.mark.seq:
        table.move_link(db, ns, pushed=said.pushed)
        table.drop_bases_above(db, ns, said.pushed)
