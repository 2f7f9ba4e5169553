"""A hub in memory: for tests, simulations, and several stores within one process."""

import secrets
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import anyio

from tmws_mcp.federation.hub import (
    START,
    TRAIL_MAX,
    Appended,
    Digests,
    Log,
    Opened,
    OtherMark,
    Page,
    Sealed,
    StaleEpoch,
)
from tmws_mcp.federation.slots import FAREWELL, TOMBSTONE, beats, forgets, redacted
from tmws_mcp.federation.wire import HEADER_BYTES
from tmws_mcp.model.federation import Mark, Slot

LOG_MAX = 10_000
READ_MAX = 200
PAGE_SLOTS = 1_000


@dataclass(slots=True)
class State:
    """All that the hub holds."""

    epoch: str = ""
    marks: dict[str, Mark] = field(default_factory=dict)
    slots: dict[str, dict[bytes, tuple[Slot, bytes]]] = field(default_factory=dict)
    log: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    tombs: dict[bytes, int] = field(default_factory=dict)
    digests: dict[str, Digests] = field(default_factory=dict)
    trails: dict[str, list[bytes]] = field(default_factory=dict)


class MemoryHub:
    """A hub that lives as long as the process."""

    def __init__(
        self, *, log_max: int = LOG_MAX, read_max: int = READ_MAX, page_slots: int = PAGE_SLOTS
    ) -> None:
        self.state = State()
        self._log_max, self._read_max, self._page_slots = log_max, read_max, page_slots
        self._number = 0
        self._rung = anyio.Event()

    def wipe(self) -> None:
        """Lose everything."""
        self.state = State()

    def snapshot(self) -> State:
        """Return a copy of what it holds, to roll back to."""
        return deepcopy(self.state)

    def roll_back(self, snapshot: State) -> None:
        """Be what it was."""
        self.state = deepcopy(snapshot)

    async def open(self) -> Opened:
        """Say epoch and marks."""
        self.state.epoch = self.state.epoch or secrets.token_hex(6)
        return Opened(self.state.epoch, dict(self.state.marks))

    async def push(self, epoch: str, sealed: Sealed) -> Appended:
        """Merge slots and append to the log."""
        self._check_epoch(epoch)
        self._check_mark(sealed)
        for slot, _ in sealed.slots:
            if forgets(slot):
                self._forget(slot)
        for slot, value in sealed.slots:
            self._merge(sealed.actor, slot, value)
        if self._continues(sealed):
            self.state.marks[sealed.actor] = Mark(sealed.end, sealed.tag)
            trail = self.state.trails.setdefault(sealed.actor, [])
            trail.append(sealed.tag)
            del trail[:-TRAIL_MAX]
        before = str(self.state.log[-1][0]) if self.state.log else START
        self.append(sealed.raw, sealed.mac)
        if any(slot.body and self._is_forgotten(sealed.actor, slot) for slot, _ in sealed.slots):
            self.state.log.clear()  # of somebody who has not heard yet; the marks tell of the rest
        return Appended(before, str(self._number))

    def _check_epoch(self, epoch: str) -> None:
        if epoch != self.state.epoch:
            raise StaleEpoch

    def _check_mark(self, sealed: Sealed) -> None:
        there = self.state.marks.get(sealed.actor, Mark(0))
        if sealed.expects is not None and sealed.expects != there.tag:
            raise OtherMark

    def _continues(self, sealed: Sealed) -> bool:
        mark = self.state.marks.get(sealed.actor, Mark(0))
        return sealed.start <= mark.seq < sealed.end

    def append(self, raw: bytes, mac: bytes) -> None:
        """Append to the log."""
        self._number += 1
        self.state.log.append((self._number, raw, mac))
        del self.state.log[: -self._log_max]
        self._rung.set()
        self._rung = anyio.Event()

    def _forget(self, tomb: Slot) -> None:
        if tomb.gen <= self.state.tombs.get(tomb.key, 0):
            return
        self.state.tombs[tomb.key] = tomb.gen
        kind, target = tomb.key[:1], tomb.key[1:]
        for actor, slots in self.state.slots.items():
            for key in [target] if kind == TOMBSTONE else list(slots):
                if key in slots and self._is_forgotten(actor, slots[key][0]):
                    slots[key] = _cut(*slots[key])
        # The log is a second copy of what is forgotten.
        self.state.log.clear()

    def _is_forgotten(self, actor: str, slot: Slot) -> bool:
        if forgets(slot):
            return False
        tombs = self.state.tombs
        return slot.gen < tombs.get(TOMBSTONE + slot.key, 0) or slot.seq <= tombs.get(
            FAREWELL + actor.encode(), 0
        )

    def _merge(self, actor: str, slot: Slot, value: bytes) -> None:
        if self._is_forgotten(actor, slot):
            slot, value = _cut(slot, value)
        known = self.state.slots.setdefault(actor, {})
        if beats(slot, known[slot.key][0] if slot.key in known else None):
            known[slot.key] = (slot, value)

    async def read(self, cursor: str) -> Log:
        """Return what the log has after the cursor."""
        after = int(cursor or START)
        found = [line for line in self.state.log if line[0] > after][: self._read_max]
        newest = str(found[-1][0]) if found else cursor
        return Log(newest, [(raw, mac) for _, raw, mac in found])

    async def wait(self, cursor: str, seconds: float) -> Log:
        """Wait for the log to grow."""
        found = await self.read(cursor)
        if found.entries or not seconds:
            return found
        with anyio.move_on_after(seconds):
            while not (found := await self.read(cursor)).entries:
                await self._rung.wait()
        return found

    async def page(self, actor: str, cursor: int) -> Page:
        """Return some of an actor's slots, in the order of their keys."""
        slots = self.state.slots.get(actor, {})
        after = cursor + self._page_slots
        found = sorted(slots)[cursor:after]
        end = after if len(slots) > after else 0
        return Page(end, [(key, slots[key][1]) for key in found])

    async def trail(self, actor: str) -> Sequence[bytes]:
        """Return the tags that an actor's mark has had."""
        return list(self.state.trails.get(actor, ()))

    async def tell(self, actor: str, digests: Digests) -> None:
        """Keep what an instance says that it holds."""
        self.state.digests[actor] = dict(digests)

    async def told(self) -> Mapping[str, Digests]:
        """Return what each instance has said."""
        return dict(self.state.digests)


def _cut(slot: Slot, value: bytes) -> tuple[Slot, bytes]:
    return redacted(slot), value[:HEADER_BYTES]
