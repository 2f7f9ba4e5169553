"""The quick way: what is counted here goes at once, and what is heard is taken at once.

One transaction and one call of the hub each, where a tick takes half a dozen. It asks nothing
first: the push itself is refused where the hub is not as this instance left it. Whatever does not
come out so is left to the next tick, which finds and mends it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tmws_mcp.federation import guarded, outgoing, replica
from tmws_mcp.federation.guarded import Outgoing, There
from tmws_mcp.federation.hub import START, place
from tmws_mcp.federation.replicator import Forked, Replicator
from tmws_mcp.federation.wire import Entry
from tmws_mcp.store import actor as identities
from tmws_mcp.store import slots as table
from tmws_mcp.store.driver import Connection


class Heard(NamedTuple):
    """What came to the log between two places."""

    before: str
    after: str
    news: Sequence[tuple[bytes, bytes]]
    """(raw, mac) of what was not sent from here."""


@dataclass(slots=True)
class Quick:
    """What goes between a replicator's ticks."""

    replicator: Replicator
    cursor: str = START
    """The place in the log up to which was listened."""
    _epoch: str = ""

    async def share(self) -> bool:
        """Send what was counted here since the last push; False where that takes a tick.

        Raises:
            HubAway: The hub does not answer.
        """
        one = self.replicator
        there, one.there = one.there, None
        if there is None:
            return False
        told = await one.store.write(self._told, there)
        if told is None:
            return False
        if told.mark == there.mark:
            one.there = there
            return True
        return await guarded.send(one, there, told)

    def _told(self, db: Connection, there: There) -> Outgoing | None:
        """Return what is to be sent, and the mark after it; None if it is not for the quick way."""
        one, me = self.replicator, identities.identity(db)
        if me != there.actor:
            return None
        replica.acknowledge(db, one.ns, there.mark.seq)
        if one.bindings.collect(db, one.ns):
            return None
        if table.peer(db, one.ns, me).vv <= there.mark.seq:
            return Outgoing((), there.mark)
        return guarded.told(one, db, there)

    async def hear(self, seconds: float) -> Heard:
        """Wait until the log has something that is not from here; without news if it has not.

        Raises:
            HubAway: The hub does not answer.
        """
        one = self.replicator
        if self._epoch != one.epoch:  # what was read of another log says nothing of this one
            self._epoch, link = one.epoch, await one.store.read(table.link, one.ns)
            self.cursor = one.after_own(link.cursor)
        before, log = self.cursor, await one.hub.wait(self.cursor, seconds)
        self.cursor = log.cursor
        return Heard(before, log.cursor, [line for line in log.entries if line[1] not in one.sent])

    async def take(self, heard: Heard) -> bool:
        """Take what was heard; tell whether a tick has to say something to that."""
        one = self.replicator
        *first, last = outgoing.slices(one.opened(heard.news))
        try:
            for some in first:
                await one.store.write(one.take_entries, some, "")
            await one.store.write(self._take_last, last, heard)
        except Forked:
            await one.fork()
            return True
        return one.has_forgotten

    def _take_last(self, db: Connection, entries: Sequence[Entry], heard: Heard) -> None:
        """Take the rest; the place in the log moves only if nothing before it was left out.

        A tick may have read some of it in the meantime.
        """
        one = self.replicator
        read = place(one.after_own(table.link(db, one.ns).cursor))
        follows = place(heard.before) <= read <= place(heard.after)
        one.take_entries(db, entries, heard.after if follows else "")
