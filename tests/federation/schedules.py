"""One random schedule of faults: everything happens in the middle of everything else.

`python -m tests.federation.schedules --count 10000` runs many (`make soak`), and with `--mutants`
shows what is noticed when a rule of the protocol is taken out.
"""

import argparse
import random
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from tests.federation import chaos, mutants, world
from tests.federation.world import Crash, FaultyHub, Node, Weather
from tmws_mcp.federation.hub import HubAway, StaleEpoch
from tmws_mcp.federation.memory_hub import MemoryHub, State
from tmws_mcp.federation.quick import Quick
from tmws_mcp.federation.slots import forgets
from tmws_mcp.federation.wire import HEADER_BYTES, VERSION, Entry, Keyring, Refused, opened, sealed
from tmws_mcp.model.federation import Slot

NAMES = tuple(f"thing {n}" for n in range(6))
FORGETTABLE = NAMES[:2]
NODES_MAX = 5
STEPS = 260
ROUNDS_MAX = 12
STRANGER = Keyring("tests", (b"x" * 32,))


@dataclass
class Schedule:
    """A world, and what is expected of it."""

    seed: int
    digests: bool = True
    nodes: list[Node] = field(default_factory=list)
    tasks: dict[int, object] = field(default_factory=dict)
    """Number of an instance -> its protocol step that is under way."""
    expected: dict[str, list[int]] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    snapshots: list[State] = field(default_factory=list)
    dead: set[int] = field(default_factory=set)
    blurred: bool = False
    """Whether the hub lost something while there were twins, or one of them was copied: nobody can
    tell then which of two states with one number has arrived. They have to agree, and may miscount.
    """

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.weather = Weather(self.rng)
        self.keeps = self.rng.random() < 0.7
        """Whether the hub keeps what it has while there are twins."""
        self.hub = MemoryHub(log_max=self.rng.choice([3, 20, 200]), read_max=3, page_slots=3)
        for _ in range(self.rng.randint(2, 3)):
            self.join()

    def join(self) -> None:
        hub = FaultyHub(self.hub, self.weather)
        one = world.node(len(self.nodes), hub, seed=self.seed)
        one.store.maybe_die = self._maybe_die
        self.nodes.append(one)

    def _maybe_die(self) -> None:
        if self.weather.strikes("crash", 0.02):
            raise Crash

    def alive(self) -> list[int]:
        return [n for n in range(len(self.nodes)) if n not in self.dead]

    # What may happen.

    def something(self) -> None:
        """Let one thing happen, most often a step of somebody's protocol."""
        number = self.rng.choice(self.alive())
        x = self.rng.random()
        if number in self.tasks and x < 0.72:
            self.go_on(number)
        elif x < 0.84:
            self.begin(number)
        elif x < 0.94:
            self.count(number)
        else:
            self.rarely(number)

    def begin(self, number: int) -> None:
        if number in self.tasks:
            return
        one, x = self.nodes[number], self.rng.random()
        if x < 0.12 and self.digests:
            self.tasks[number] = one.replicator.compare()
        elif x < 0.35:
            self.tasks[number] = one.quick.share()
        elif x < 0.55:
            self.tasks[number] = world.listen(one.quick)
        else:
            self.tasks[number] = one.replicator.tick()

    def go_on(self, number: int) -> None:
        try:
            self.tasks[number].send(None)
        except (StopIteration, HubAway, StaleEpoch):
            del self.tasks[number]
        except Crash:
            self.restart(number)

    def restart(self, number: int) -> None:
        """The process is gone; its store is what was committed."""
        if (task := self.tasks.pop(number, None)) is not None:
            task.close()
        old = self.nodes[number].replicator
        new = world.replicator(old.store, old.hub, old.keyring, old.bindings)
        self.nodes[number].replicator, self.nodes[number].quick = new, Quick(new)

    def count(self, number: int) -> None:
        name, good, bad = self.rng.choice(NAMES), self.rng.randint(0, 4), self.rng.randint(0, 2)
        if not good + bad:
            return
        try:
            self.nodes[number].count(name, good=good, bad=bad)
        except Crash:
            self.restart(number)
            return
        totals = self.expected.setdefault(name, [0, 0])
        totals[0] += good
        totals[1] += bad

    def rarely(self, number: int) -> None:
        things = [self.forget, self.cut, self.wipe, self.roll_back, self.late, self.rubbish]
        # Without digests nothing can tell what a hub lost in the middle of a page, and which of
        # two states that twins gave the same number is where.
        if self.digests:
            things += [self.die, self.twin]
        self.rng.choice([*things, self.restart, self.join_late, self.copy])(number)

    def forget(self, number: int) -> None:
        if self.rng.random() < 0.5:
            return
        name = self.rng.choice(FORGETTABLE)
        try:
            self.nodes[number].forget(name)
        except Crash:
            self.restart(number)
            return
        self.forgotten.add(name)

    def cut(self, number: int) -> None:
        hub = self.nodes[number].replicator.hub
        hub.cut = not hub.cut

    def wipe(self, _: int) -> None:
        if self.weather.strikes("wipe", 0.5) and self._hub_loses():
            self.hub.wipe()

    def roll_back(self, _: int) -> None:
        if self.snapshots and self.weather.strikes("rollback", 0.5):
            if not self._hub_loses():
                return
            for one in [] if self.digests else list(self.tasks):  # see rarely
                self.restart(one)
            self.hub.roll_back(self.rng.choice(self.snapshots))
        else:
            self.snapshots = [*self.snapshots, self.hub.snapshot()][-3:]

    def late(self, number: int) -> None:
        if self.weather.ghosts:
            work = self.nodes[number].replicator.hub.deliver_late()
            world.run(work)

    def rubbish(self, _: int) -> None:
        self.weather.strikes("rubbish", 1.0)
        self.hub.append(*self.rng.choice([self._noise, self._forged, self._unsound])())

    def _noise(self) -> tuple[bytes, bytes]:
        raw = self.rng.choice([b"", self.rng.randbytes(40), world.encode([1, 2])])
        return raw, self.rng.choice([b"", world.KEYRING.sign(b"entry", raw)])

    def _forged(self) -> tuple[bytes, bytes]:
        """Of somebody who has not the key, in another's name."""
        author = self.nodes[self.rng.choice(self.alive())].actor
        return sealed(self._lies(author, world.key_of(self.rng.choice(NAMES))), STRANGER)

    def _unsound(self) -> tuple[bytes, bytes]:
        """Of somebody with the key whose program is broken: no actor, or no kind of slot."""
        if self.rng.random() < 0.5:
            return sealed(self._lies("no actor of ours", world.key_of(NAMES[0])), world.KEYRING)
        return sealed(self._lies("e" * 16, b"z" + NAMES[0].encode()), world.KEYRING)

    def _lies(self, actor: str, key: bytes) -> Entry:
        slot = Slot(key, 0, 10_000, world.encode(world.Body(1_000, 0)))
        return Entry(VERSION, actor, 0, 10_000, self.rng.randbytes(8), [slot])

    def join_late(self, _: int) -> None:
        if len(self.nodes) < NODES_MAX and self.weather.strikes("late join", 0.3):
            self.join()

    def twin(self, number: int) -> None:
        """Copy a store that is in step, unnoticed: both go on as the same actor."""
        one = self.nodes[number]
        link = world.table.link(one.store.db, world.NS)
        vv = world.table.peer(one.store.db, world.NS, one.actor).vv
        in_step = link.acknowledged == link.pushed == vv
        if in_step and len(self.nodes) < NODES_MAX and self.weather.strikes("twin", 0.7):
            self.join()
            self.nodes[-1].be_a_copy_of(one)

    def copy(self, number: int) -> None:
        """Copy a store at any moment; the copy notices when it is opened."""
        if len(self.nodes) < NODES_MAX and self.weather.strikes("copy", 0.3):
            self.blurred |= self._has_twins()  # what one of them has not given is in the copy
            self.join()
            self.nodes[-1].be_a_copy_of(self.nodes[number])
            self.nodes[-1].leave(self.rng.randbytes(8).hex())

    def _hub_loses(self) -> bool:
        """Say so where the hub loses what one of two twins gave it: that has its own verdict."""
        if self._has_twins() and self.keeps:
            return False
        self.blurred |= self._has_twins()
        return True

    def _has_twins(self) -> bool:
        return len({one.actor for one in self.nodes}) < len(self.nodes)

    def die(self, number: int) -> None:
        if len(self.alive()) > 2 and self.weather.strikes("death", 0.15):
            self.restart(number)
            self.dead.add(number)

    # What must hold.

    def verdict(self) -> str | None:
        """Let the weather clear, and say what is wrong; None: nothing."""
        for number in list(self.tasks):
            self.restart(number)
        self.weather.quiet = True
        left = [self.nodes[number] for number in self.alive()]
        for _ in range(ROUNDS_MAX):
            world.settle(*left, rounds=1, digests=self.digests)
            if world.agree(*left):
                break
        else:
            return f"no agreement: {[one.totals() for one in left]}"
        return (
            (None if self.blurred else self._miscounted(left[0]))
            or self._remembered(left)
            or self._incomplete(left)
            or self._kept_by_the_hub(left[0])
        )

    def _miscounted(self, one: Node) -> str | None:
        found = one.totals()
        for name, (good, bad) in self.expected.items():
            got = found.get(name, (0, 0))
            if name in self.forgotten or self.dead:
                if got[0] > good or got[1] > bad:
                    return f"{name}: {got} of {good, bad}: too much"
            elif got != (good, bad):
                return f"{name}: {got} of {good, bad}"
        return None

    def _remembered(self, left: list[Node]) -> str | None:
        for one in left:
            bodies = one.slots()
            for actor, slot in bodies:
                tomb = one.store.db.row(
                    "SELECT max(gen) FROM slot WHERE ns = ? AND key = ?",
                    (world.NS, b"x" + slot.key),
                )
                if slot.body and not slot.key.startswith(b"x") and slot.gen < (tomb[0] or 0):
                    return f"{actor} still tells {slot.key!r}"
        return None

    def _kept_by_the_hub(self, one: Node) -> str | None:
        """What is forgotten is neither in the hub's slots nor in its log."""
        tombs = world.table.greatest_gens(
            one.store.db, world.NS, [b"x" + world.key_of(n) for n in NAMES]
        )
        told = [pair for slots in self.hub.state.slots.values() for pair in slots.values()]
        found = [slot for slot, value in told if len(value) > HEADER_BYTES]
        for _, raw, mac in self.hub.state.log:
            with suppress(Refused):
                found += opened(raw, mac, world.KEYRING).slots
        for slot in found:
            if slot.body and not forgets(slot) and slot.gen < tombs.get(b"x" + slot.key, 0):
                return f"the hub still tells {slot.key!r}"
        return None

    def _incomplete(self, left: list[Node]) -> str | None:
        """A mark promises that all slots up to it are there."""
        marks = [
            {a: p.vv for a, p in world.table.peers(n.store.db, world.NS).items()} for n in left
        ]
        for one, marked in zip(left, marks, strict=True):
            for actor, vv in marked.items():
                newest = max(
                    (s.seq for who, s in one.slots() if who == actor and s.seq <= vv), default=0
                )
                best = max(
                    (s.seq for n in left for who, s in n.slots() if who == actor and s.seq <= vv),
                    default=0,
                )
                if newest < best:
                    return f"mark {vv} of {actor} promises more than {newest}"
        return None


def run(seed: int, *, digests: bool = True, steps: int = STEPS) -> tuple[str | None, Schedule]:
    """Run one schedule; return what is wrong, None if nothing is."""
    schedule = Schedule(seed, digests)
    for _ in range(steps):
        schedule.something()
    return schedule.verdict(), schedule


def many(first: int, count: int, failures_max: int | None = None) -> int:
    """Run schedules with and without digests in turn; print what went wrong, return how many.

    It ends with the last of so many failures, where that is asked for.
    """
    failed, seen, started = 0, Counter(), time.monotonic()
    for seed in range(first, first + count):
        problem, schedule = run(seed, digests=seed % 2 == 0)
        seen.update(schedule.weather.seen)
        if problem:
            failed += 1
            print(f"seed {seed}: {problem}", flush=True)
            if failed == failures_max:
                break
    took = time.monotonic() - started
    print(f"{count} schedules, {failed} failed, {took:.0f} s; faults: {dict(seen)}")
    return failed


def main() -> int:
    """Run what the command line asks for; the exit code tells whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--failures", type=int, metavar="MAX", help="end with the last of these")
    parser.add_argument("--mutants", action="store_true")
    parser.add_argument("--ways", nargs="+", choices=mutants.WAYS, default=tuple(mutants.WAYS))
    parser.add_argument("--processes", type=float, default=0.0, metavar="SECONDS")
    asked = parser.parse_args()
    if asked.mutants:
        return int(mutants.table_of_all(asked.ways) > len(mutants.MUTANTS) // 10)
    if asked.processes:
        problem, seen = chaos.run(asked.processes, asked.first)
        print(problem or f"all totals are the journal's; {dict(seen)}")
        return int(problem is not None)
    mutants.apply()
    return int(many(asked.first, asked.count, asked.failures) > 0)


if __name__ == "__main__":
    sys.exit(main())
