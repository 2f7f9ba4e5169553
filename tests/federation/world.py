"""Instances of the protocol with real stores in memory, driven step by step.

Each call of store or hub is one or two steps between which anything may happen to the others, and
before and after which the instance may die. The counts are kept beside it in a plain dict: what
the slots must add up to.
"""

import random
import types
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from tmws_mcp.federation import fork, replica
from tmws_mcp.federation.bindings import Bindings
from tmws_mcp.federation.hub import (
    Appended,
    Digests,
    HubAway,
    Log,
    Opened,
    OtherMark,
    Page,
    Sealed,
    StaleEpoch,
)
from tmws_mcp.federation.memory_hub import MemoryHub
from tmws_mcp.federation.quick import Quick
from tmws_mcp.federation.replicator import Replicator
from tmws_mcp.federation.slots import OUTCOME, forgets
from tmws_mcp.federation.wire import UNREADABLE, Keyring
from tmws_mcp.model.federation import Slot
from tmws_mcp.store import actor as identities
from tmws_mcp.store import driver
from tmws_mcp.store import slots as table
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.schema import s0001_first, s0008_federation, s0016_unanswered

NS = 1
COPIED = ("meta", "slot", "peer", "link", "push_tag", "slot_base")
KEYRING = Keyring("tests", (b"k" * 32,))


@types.coroutine
def step() -> Generator[None, None, None]:
    """Let the others go on."""
    yield


class Crash(Exception):
    """The instance dies here."""


Seeded = random.Random
T = TypeVar("T")


class MemoryStore:
    """A real store without a file; what it commits outlives the instance."""

    def __init__(self, actor: str) -> None:
        self.db = driver.connect(":memory:")
        for step in (
            s0001_first,
            s0008_federation,
            s0016_unanswered,
        ):  # the other steps take ten times as long
            step.apply(self.db)
        identities.renew(self.db, actor)
        self.db.run("INSERT INTO namespace(id, name, created_at) VALUES (?, 'tests', 0)", (NS,))
        self.maybe_die: Callable[[], None] = lambda: None

    async def read(self, work, /, *args, **kwargs):
        await step()
        self.maybe_die()
        return work(self.db, *args, **kwargs)

    async def write(self, work, /, *args, **kwargs):
        await step()
        self.maybe_die()
        result = self.now(work, *args, **kwargs)
        await step()
        self.maybe_die()
        return result

    def now(self, work, /, *args, **kwargs):
        self.db.rows("BEGIN IMMEDIATE")
        try:
            result = work(self.db, *args, **kwargs)
            self.maybe_die()
            self.db.rows("COMMIT")
        except BaseException:
            self.db.rows("ROLLBACK")
            raise
        return result


class Body(msgspec.Struct, array_like=True):
    """What the tests count."""

    good: int
    bad: int
    text: str = ""


encode, decode = msgspec.msgpack.encode, msgspec.msgpack.Decoder(Body).decode


def is_sound(slot: Slot) -> bool:
    try:
        return decode(slot.body).good >= 0
    except UNREADABLE:
        return False


def reauthor(slot: Slot, base: Slot | None) -> bytes | None:
    now, sent = decode(slot.body), decode(base.body) if base and base.body else Body(0, 0)
    left = Body(now.good - sent.good, now.bad - sent.bad, now.text)
    return encode(left) if left.good or left.bad else None


def key_of(name: str) -> bytes:
    return OUTCOME + name.encode()


@dataclass
class Node:
    """One instance."""

    store: MemoryStore
    replicator: Replicator
    quick: Quick

    @property
    def actor(self) -> str:
        return identities.identity(self.store.db)

    def count(self, name: str, *, good: int = 0, bad: int = 0) -> None:
        """Count in one transaction, as an observation does."""
        self.store.now(_count, name, good, bad)

    def forget(self, name: str) -> None:
        self.store.now(replica.forget, NS, [key_of(name)])

    def forget_actor(self, actor: str) -> None:
        self.store.now(replica.forget_actor, NS, actor)

    def be_a_copy_of(self, other: "Node") -> None:
        """Have its store."""
        for name in COPIED:
            self.store.db.run(f"DELETE FROM {name}")
            for row in other.store.db.rows(f"SELECT * FROM {name}"):
                marks = ",".join("?" * len(row))
                self.store.db.run(f"INSERT INTO {name} VALUES ({marks})", row)

    def leave(self, name: str) -> None:
        """Notice on opening that it is a copy."""
        fork.leave(self.store.db, name, reauthor=reauthor)

    def totals(self) -> dict[str, tuple[int, int]]:
        """What all actors' slots add up to: what a view would show."""
        found: dict[str, tuple[int, int]] = {}
        for actor in table.peers(self.store.db, NS):
            for slot in table.of_actor(self.store.db, NS, actor):
                if slot.body and not forgets(slot):
                    body, name = decode(slot.body), slot.key[1:].decode()
                    good, bad = found.get(name, (0, 0))
                    found[name] = (good + body.good, bad + body.bad)
        return found

    def digests(self) -> dict[str, int]:
        return {a: p.digest for a, p in table.peers(self.store.db, NS).items() if p.digest}

    def slots(self) -> list[tuple[str, Slot]]:
        return [
            (actor, slot)
            for actor in table.peers(self.store.db, NS)
            for slot in table.of_actor(self.store.db, NS, actor)
        ]


def _count(db: Connection, name: str, good: int, bad: int) -> None:
    key = key_of(name)
    known = table.find(db, NS, identities.identity(db), [key]).get(key)
    alive = known is not None and known.body and known.gen == replica.life(db, NS, key)
    body = decode(known.body) if alive else Body(0, 0, f"secret of {name}")
    (seq,) = identities.next_seqs(db, 1)
    told = Body(body.good + good, body.bad + bad, body.text)
    replica.write_own(db, NS, {key: (seq, encode(told))})


def node(number: int, hub: Any, *, keyring: Keyring = KEYRING, seed: int = 0) -> Node:
    rng = random.Random(seed * 1_000 + number)
    store = MemoryStore(rng.randbytes(8).hex())
    bindings = Bindings(
        collect=table.move_link,
        adopt=lambda db, ns, keys: None,
        reauthor=reauthor,
        is_sound=is_sound,
        random=rng.randbytes,
    )
    one = replicator(store, hub, keyring, bindings)
    return Node(store, one, Quick(one))


def replicator(store: MemoryStore, hub: Any, keyring: Keyring, bindings: Bindings) -> Replicator:
    """One whose entries are so small that there are many of them."""
    return Replicator(store, NS, hub, keyring, bindings, entry_slots_max=3)


async def listen(quick: Quick) -> None:
    """Hear once, and take it."""
    heard = await quick.hear(0)
    if heard.news:
        await quick.take(heard)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end without anybody else."""
    result(work)


def result(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, and return what comes of it."""
    try:
        while True:
            work.send(None)
    except StopIteration as end:
        return end.value


def settle(*nodes: Node, rounds: int = 4, digests: bool = True) -> None:
    """Let all of them agree, one after the other, with nothing in their way."""
    for _ in range(rounds):
        for one in nodes:
            _quietly(one.replicator.tick())
        for one in nodes if digests else ():
            _quietly(one.replicator.compare())


def _quietly(work: Coroutine[Any, Any, None]) -> None:
    with suppress(StaleEpoch):
        run(work)


def agree(*nodes: Node) -> bool:
    first = nodes[0]
    return all(one.totals() == first.totals() and one.digests() == first.digests() for one in nodes)


class changed:  # noqa: N801 - reads like a word
    """A hub some of whose calls are others."""

    def __init__(self, hub: MemoryHub, **calls: Any) -> None:
        self._hub = hub
        self.__dict__.update(calls)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hub, name)


@dataclass
class Weather:
    """What may happen at each step."""

    rng: Seeded
    quiet: bool = False
    ghosts: list[tuple[str, Sealed]] = field(default_factory=list)
    """Requests that hang in some buffer, and arrive much later."""
    seen: dict[str, int] = field(default_factory=dict)

    def strikes(self, name: str, chance: float) -> bool:
        if self.quiet or self.rng.random() >= chance:
            return False
        self.seen[name] = self.seen.get(name, 0) + 1
        return True


class FaultyHub:
    """A way to a hub on which messages are lost, doubled, mixed up, spoiled and late."""

    def __init__(self, hub: MemoryHub, weather: Weather) -> None:
        self.hub, self.weather = hub, weather
        self.cut = False

    async def _out(self) -> None:
        await step()
        if self.cut and not self.weather.quiet:
            raise HubAway("partitioned")
        if self.weather.strikes("request lost", 0.05):
            raise HubAway("request lost")

    async def _back(self) -> None:
        await step()
        if self.weather.strikes("answer lost", 0.05):
            raise HubAway("answer lost")

    async def open(self) -> Opened:
        await self._out()
        found = await self.hub.open()
        await self._back()
        return found

    async def push(self, epoch: str, sealed: Sealed) -> Appended:
        await self._out()
        if self.weather.strikes("push late", 0.12):
            self.weather.ghosts.append((epoch, sealed))
            raise HubAway("hangs somewhere")
        appended = await self.hub.push(epoch, sealed)
        if self.weather.strikes("push doubled", 0.2):
            with suppress(OtherMark):
                await self.hub.push(epoch, sealed)
        await self._back()
        return appended

    async def deliver_late(self) -> None:
        ghosts = self.weather.ghosts
        epoch, sealed = ghosts.pop(self.weather.rng.randrange(len(ghosts)))
        with suppress(StaleEpoch, OtherMark):
            await self.hub.push(epoch, sealed)

    async def read(self, cursor: str) -> Log:
        await self._out()
        found = await self.hub.read(cursor)
        await self._back()
        return Log(found.cursor, self._spoiled(list(found.entries)))

    def _spoiled(self, lines: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        rng = self.weather.rng
        if lines and self.weather.strikes("entries dropped", 0.15):
            lines = [line for line in lines if rng.random() < 0.6] or [(b"?", b"?")]
        if lines and self.weather.strikes("entries doubled", 0.15):
            lines += rng.choices(lines, k=2)
        if self.weather.strikes("entries mixed up", 0.2):
            rng.shuffle(lines)
        if lines and self.weather.strikes("entry spoiled", 0.1):
            lines[0] = (lines[0][0][:-1] + b"\xc1", lines[0][1])
        return lines

    async def wait(self, cursor: str, seconds: float) -> Log:
        return await self.read(cursor)

    async def page(self, actor: str, cursor: int) -> Page:
        await self._out()
        found = await self.hub.page(actor, cursor)
        await self._back()
        if found.slots and self.weather.strikes("slot spoiled", 0.05):
            key, value = found.slots[0]
            return Page(found.cursor, [(key, value[:-1] + b"\xc1"), *found.slots[1:]])
        return found

    async def trail(self, actor: str) -> Any:
        await self._out()
        found = await self.hub.trail(actor)
        await self._back()
        return found

    async def tell(self, actor: str, digests: Digests) -> None:
        await self._out()
        await self.hub.tell(actor, digests)

    async def told(self) -> Any:
        await self._out()
        return await self.hub.told()
