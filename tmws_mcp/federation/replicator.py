"""The protocol: what an instance does to agree with the others through a hub.

All that is sent is state, so that each step may be repeated, lost or reordered. What makes it
correct is the comparison of version vectors in `tick` and of digests in `compare`; the hub's log
only makes it quick. Any exception between two steps leaves a sound store behind, and the next tick
goes on from there.

Nothing in here waits for anything but store and hub, and nothing starts tasks: the simulator of the
tests drives it step by step.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tmws_mcp.federation import fork, guarded, outgoing, replica
from tmws_mcp.federation.bindings import Bindings, Figures, Store
from tmws_mcp.federation.differences import Differences
from tmws_mcp.federation.guarded import There
from tmws_mcp.federation.hub import START, Digests, Hub, Opened
from tmws_mcp.federation.replica import Changed
from tmws_mcp.federation.slots import FAREWELL, FORGETTING, forgets
from tmws_mcp.federation.wire import (
    ENTRY_SLOTS_MAX,
    TAG_BYTES,
    VERSION,
    Entry,
    Keyring,
    Refused,
    opened,
    restored,
)
from tmws_mcp.model.federation import Mark, Slot
from tmws_mcp.store import actor as identities
from tmws_mcp.store import slots as table
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.slots import Peer
from tmws_mcp.telemetry import get_logger

ROUNDS_MAX = 50
"""Pages of the log read in one tick; what is left comes with the next."""
OWN_MAX = 1_000
SENT_MAX = 200
OUTGOING_MAX = 10_000
"""Slots read in one transaction, and sent in one tick."""

log = get_logger("federation")


class Forked(Exception):
    """Somebody else writes as this actor."""


@dataclass(slots=True)
class Replicator:
    """One namespace of one store, and a hub."""

    store: Store
    ns: int
    hub: Hub
    keyring: Keyring
    bindings: Bindings
    entry_slots_max: int = ENTRY_SLOTS_MAX
    figures: Figures = field(default_factory=Figures)
    epoch: str = ""
    """The hub's, when it was opened last."""
    there: There | None = None
    """None: a tick has to find it out."""
    sent: deque[bytes] = field(default_factory=lambda: deque(maxlen=SENT_MAX))
    """MACs of what was sent from here lately: it comes back by the log."""
    _own: dict[str, str] = field(default_factory=dict)
    """Places in the log of what was sent from here: before -> after."""
    has_forgotten: bool = False
    has_more: bool = False
    """Whether what was read to be sent was not all that there is."""
    _lacked: set[tuple[str, str, int]] = field(default_factory=set)
    """(epoch, actor, up to where the hub knew it) where the last tick found that it lacked some."""
    _differences: Differences = field(default_factory=Differences)

    async def tick(self) -> None:
        """Agree with the hub: take what is new, give what it lacks.

        Raises:
            HubAway: It does not answer.
            StaleEpoch: It was emptied in the middle; the next tick begins anew.
        """
        self.there = None
        while await self.store.write(self.bindings.collect, self.ns):
            pass  # slice by slice, since each holds the write lock
        hub = await self.hub.open()
        try:
            cursor = await self.store.write(self._greet, hub)
            self.epoch = hub.epoch
            await self._read_log(cursor)
        except Forked:
            await self.fork()
        me, here = await self.store.read(self._peers)
        if await self._pull_what_is_missing(hub, me, here):
            me, here = await self.store.read(self._peers)
        await self._push_what_is_missing(hub, me, here)
        if self.has_forgotten:  # whoever asked for it waits to hear how many have done it
            me, mine = await self.store.read(self._digests)
            await self.hub.tell(me, mine)
            self.has_forgotten = False

    def _greet(self, db: Connection, hub: Opened) -> str:
        """Look at what the hub has of this actor, and begin its log anew if it was emptied.

        Returns the place in the log that was read up to.
        """
        me = identities.identity(db)
        mark = hub.marks.get(me)
        if mark is not None:
            self._check_mark(db, me, mark)
        if self._is_new(db, hub):
            table.move_link(db, self.ns, epoch=hub.epoch, cursor=START)
            self._own.clear()
        return table.link(db, self.ns).cursor

    def _peers(self, db: Connection) -> tuple[str, dict[str, Peer]]:
        return identities.identity(db), table.peers(db, self.ns)

    def _is_new(self, db: Connection, hub: Opened) -> bool:
        return hub.epoch != table.link(db, self.ns).epoch

    def _check_mark(self, db: Connection, me: str, mark: Mark) -> None:
        known = table.knows_tag(db, self.ns, mark.tag)
        if mark.seq > table.peer(db, self.ns, me).vv or (mark.tag and not known):
            raise Forked
        replica.acknowledge(db, self.ns, mark.seq)

    async def fork(self) -> None:
        """Be another actor, since somebody else writes as this one.

        Raises:
            HubAway: It does not say what of the old one's has arrived.
        """
        me, _ = await self.store.read(self._peers)
        trail = await self.hub.trail(me)
        name = self.bindings.random(8).hex()
        changed = await self.store.write(self._begin_anew, name, trail)
        self.figures.forks += 1
        log.warning("federation.forked", actor=name, slots=changed)

    def _begin_anew(self, db: Connection, name: str, trail: Sequence[bytes]) -> int:
        """Be another actor, in all namespaces at once."""
        total = 0
        fork.believe(db, self.ns, trail)
        for ns in dict.fromkeys([self.ns, *table.linked(db)]):
            while self.bindings.collect(db, ns):
                pass
        parted = fork.part(db, name, reauthor=self.bindings.reauthor)
        for ns, changed in parted.items():
            self.bindings.adopt(db, ns, changed)
            total += len(changed)
        return total

    def collect_all(self, db: Connection) -> None:
        """Make slots of all that was counted up to now, within the caller's transaction."""
        while self.bindings.collect(db, self.ns):
            pass

    # Receiving.

    def after_own(self, cursor: str) -> str:
        """Return the place in the log behind what was sent from here itself."""
        for _ in range(OWN_MAX):
            if (cursor := self._own.get(before := cursor, cursor)) == before:
                break
        return cursor

    async def _read_log(self, cursor: str) -> None:
        for _ in range(ROUNDS_MAX):
            found = await self.hub.read(self.after_own(cursor))
            cursor = found.cursor
            if not found.entries:
                return
            *first, last = outgoing.slices(self.opened(found.entries))
            for some in first:
                await self.store.write(self.take_entries, some, "")
            await self.store.write(self.take_entries, last, found.cursor)

    def opened(self, lines: Sequence[tuple[bytes, bytes]]) -> list[Entry]:
        """Return those entries of the log that can be believed."""
        return [entry for line in lines if (entry := self._opened(*line))]

    def _opened(self, raw: bytes, mac: bytes) -> Entry | None:
        try:
            entry = opened(raw, mac, self.keyring)
            for slot in entry.slots:
                self._check_body(slot)
        except Refused as error:
            self._refuse(error)
            return None
        return entry

    def _check_body(self, slot: Slot) -> None:
        if slot.body and not forgets(slot) and not self.bindings.is_sound(slot):
            raise Refused("slot with a body that cannot be read")

    def _refuse(self, error: Refused) -> None:
        self.figures.refused += 1
        # Counted, and shown by the status: whoever can write to the hub could fill the log.
        log.debug("federation.refused", reason=str(error), namespace=self.keyring.namespace)

    def take_entries(self, db: Connection, entries: Sequence[Entry], cursor: str) -> None:
        """Merge what came, and note the place in the log, if there is one, as read up to.

        Raises:
            Forked: It is of somebody who writes as this actor.
        """
        # What was counted before it was forgotten here must be seen to be of before, and what was
        # counted again after it, of after: whoever has no slot of it has no row to keep.
        self.collect_all(db)
        changed: Changed = {}
        for entry in entries:
            self._check_own(db, entry.actor, entry.slots, entry.tag)
            changed |= replica.take(db, self.ns, entry.actor, entry.slots)
            if self._continues(db, entry):
                replica.advance(db, self.ns, entry.actor, Mark(entry.end, entry.tag))
        self._adopt(db, changed)
        if cursor:
            table.move_link(db, self.ns, cursor=cursor)

    def _continues(self, db: Connection, entry: Entry) -> bool:
        return entry.start <= table.peer(db, self.ns, entry.actor).vv

    def _check_own(self, db: Connection, actor: str, slots: Sequence[Slot], tag: bytes) -> None:
        """What comes back as one's own must have been sent by oneself."""
        if actor != identities.identity(db):
            return
        own = table.peer(db, self.ns, actor).vv
        strange = bool(tag) and not table.knows_tag(db, self.ns, tag)
        if strange or any(slot.seq > own for slot in slots):
            raise Forked

    def _adopt(self, db: Connection, changed: Changed) -> None:
        if not changed:
            return
        me = identities.identity(db)
        self.figures.received += len(changed)
        changed |= self._farewell(db, me, changed)
        self.has_forgotten |= any(key[:1] in FORGETTING for key in changed)
        self.bindings.adopt(db, self.ns, changed)

    def _farewell(self, db: Connection, me: str, changed: Changed) -> Changed:
        """Whoever forgot this instance may not have known its newest slots."""
        if FAREWELL + me.encode() not in changed:
            return {}
        return replica.forget_actor(db, self.ns, me)

    async def _pull_what_is_missing(self, hub: Opened, me: str, here: Mapping[str, Peer]) -> bool:
        behind = [
            actor
            for actor, mark in hub.marks.items()
            if actor != me and mark.seq > here.get(actor, Peer()).vv
        ]
        for actor in behind:
            await self.pull(actor, hub)
        return bool(behind)

    async def pull(self, actor: str, hub: Opened) -> None:
        """Take all slots that the hub has of an actor.

        The mark moves to what it was before the first page was read, and only if the hub was the
        same to the end: what it holds now may be less than what the mark promised.
        """
        cursor, whole, found = 0, True, False
        while True:
            page = await self.hub.page(actor, cursor)
            slots = [slot for line in page.slots if (slot := self._restored(actor, *line))]
            whole, found = whole and len(slots) == len(page.slots), found or bool(slots)
            for some in outgoing.parts(slots, outgoing.SLICE_SLOTS):
                await self.store.write(self._take_slots, actor, some)
            cursor = page.cursor
            if not cursor:
                break
        mark = hub.marks.get(actor, Mark(0))
        # Who has a mark has slots: with none of them the hub was empty for a moment.
        if whole and found and mark.seq and self._is_same(hub, await self.hub.open(), actor):
            await self.store.write(self._complete, actor, mark)

    def _is_same(self, hub: Opened, again: Opened, actor: str) -> bool:
        marks = hub.marks.get(actor, Mark(0)), again.marks.get(actor, Mark(0))
        return again.epoch == hub.epoch and marks[1].seq >= marks[0].seq

    def _complete(self, db: Connection, actor: str, mark: Mark) -> None:
        if actor != identities.identity(db):
            replica.advance(db, self.ns, actor, mark)

    def _restored(self, actor: str, key: bytes, value: bytes) -> Slot | None:
        try:
            slot = restored(actor, key, value, self.keyring)
            self._check_body(slot)
        except Refused as error:
            self._refuse(error)
            return None
        return slot

    def _take_slots(self, db: Connection, actor: str, slots: Sequence[Slot]) -> None:
        self.collect_all(db)  # see take_entries
        own = identities.identity(db)
        if actor == own:
            newest = table.peer(db, self.ns, own).vv
            slots = [slot for slot in slots if slot.seq <= newest]  # the next tick sees the fork
        self._adopt(db, replica.take(db, self.ns, actor, slots))

    # Sending.

    async def _push_what_is_missing(self, hub: Opened, me: str, here: Mapping[str, Peer]) -> None:
        """Give what the hub lacks; what others have counted only where they do not so themselves.

        An emptied hub would get all slots from everybody otherwise.
        """
        self.there = There(hub.epoch, me, hub.marks.get(me, Mark(0)))
        before, self._lacked = self._lacked, set()
        for actor in sorted(here, key=lambda name: name != me):
            there = hub.marks.get(actor, Mark(0)).seq
            if here[actor].vv <= there:
                continue
            if actor == me:
                await self.push_own(self.there)
            elif (hub.epoch, actor, there) in before:  # nobody has spoken since
                there = await self.push(actor, hub.epoch, above=there)
            self._lacked.add((hub.epoch, actor, there))

    async def push_own(self, there: There) -> None:
        """Give the hub own slots; it refuses them where somebody else writes as this actor."""
        self.there = None
        said = await self.store.write(lambda db: guarded.told(self, db, there))
        await guarded.send(self, there, said)

    async def push(self, actor: str, epoch: str, *, above: int) -> int:
        """Give the hub another actor's slots with a greater number; return up to which."""
        slots, mark = await self.store.write(self.outgoing, actor, above)
        for entry in outgoing.entries(actor, slots, above, mark, self.entry_slots_max):
            await self.send(epoch, entry)
        return mark.seq

    def outgoing(self, db: Connection, actor: str, above: int) -> tuple[list[Slot], Mark]:
        """Return slots and mark of one moment; an own push gets a tag, durable before it is seen.

        A mark read at another moment than the slots would promise what was not sent. Of very many
        the first ones go; the next tick sees that the hub lacks more.
        """
        peer = table.peer(db, self.ns, actor)
        slots = table.of_actor(db, self.ns, actor, above=above, limit=OUTGOING_MAX)
        upto = slots[-1].seq if len(slots) == OUTGOING_MAX else peer.vv
        self.has_more |= upto < peer.vv
        if actor != identities.identity(db):
            return slots, Mark(upto, peer.tag)
        mark = Mark(upto, self.bindings.random(TAG_BYTES))
        table.add_tag(db, self.ns, mark.tag, upto)
        table.set_mark(db, self.ns, actor, Mark(peer.vv, mark.tag))
        pushed = table.link(db, self.ns).pushed
        table.move_link(db, self.ns, pushed=max(pushed, upto))
        return slots, mark

    async def send(self, epoch: str, entry: Entry, *, expects: bytes | None = None) -> None:
        """Give the hub an entry; see hub.Sealed for what is expected of it."""
        sealed = outgoing.seal(entry, self.keyring)._replace(expects=expects)
        self.sent.append(sealed.mac)  # before it can come back
        appended = await self.hub.push(epoch, sealed)
        if len(self._own) >= OWN_MAX:
            self._own.clear()
        self._own[appended.before] = appended.cursor
        self.figures.pushed += len(entry.slots)

    # Comparing.

    async def compare(self) -> None:
        """Compare digests with all others, and mend what differs without a mark showing it.

        Slots of an actor whose mark nobody has are found here alone: hence over all actors.
        """
        hub = await self.hub.open()
        me, mine = await self.store.read(self._digests)
        await self.hub.tell(me, mine)
        told = await self.hub.told()
        for actor in sorted({name for known in (mine, *told.values()) for name in known}):
            others = [(who, said) for who, said in told.items() if who != me]
            if self._differences.is_new(actor, mine, others):
                await self.pull(actor, hub)
                await self._push_all(actor, hub.epoch)
        me, mine = await self.store.read(self._digests)
        await self.hub.tell(me, mine)

    def _digests(self, db: Connection) -> tuple[str, Digests]:
        here = table.peers(db, self.ns)
        return identities.identity(db), {
            name: (peer.vv, peer.digest) for name, peer in here.items() if peer.vv or peer.digest
        }

    async def _push_all(self, actor: str, epoch: str) -> None:
        """Give all slots of an actor without a claim to completeness."""
        slots = await self.store.read(table.of_actor, self.ns, actor)
        for part in outgoing.parts(slots, self.entry_slots_max):
            await self.send(epoch, Entry(VERSION, actor, 0, 0, b"", part))
