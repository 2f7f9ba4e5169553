"""The rules of the protocol, each taken out: what is noticed then, and by what.

`make soak ARGS=--mutants` prints the table. A rule whose removal nothing notices is either not
needed or not tested.
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tmws_mcp.federation import fork, guarded, memory_hub, replica, replicator, slots, wire
from tmws_mcp.federation.memory_hub import MemoryHub
from tmws_mcp.federation.quick import Quick
from tmws_mcp.federation.replicator import Replicator
from tmws_mcp.store import slots as table

VARIABLE = "TMWS_TEST_MUTANT"
SCHEDULES = 300
SECONDS_MAX = 900
ROOT = Path(__file__).parents[2]


def _set(*places: tuple[object, str, object]) -> Callable[[], None]:
    def apply() -> None:
        for owner, name, value in places:
            setattr(owner, name, value)

    return apply


def _nothing(*_: object, **__: object) -> None:
    return None


def _beats_by(order: Callable) -> Callable[[], None]:
    def beats(slot, known):
        return known is None or order(slot) > order(known)

    return _set((slots, "beats", beats), (replica, "beats", beats), (memory_hub, "beats", beats))


async def _async_nothing(*_: object, **__: object) -> None:
    return None


async def _push_own_alone(self, hub, me, here):
    there = hub.marks.get(me, replicator.Mark(0)).seq
    if me in here and here[me].vv > there:
        await self.push_own(guarded.There(hub.epoch, me, hub.marks.get(me, replicator.Mark(0))))


_full_mark = slots.mark


def _blind_mark(actor, slot):
    return _full_mark(actor, slot._replace(body=b"x"))


_real_outgoing = Replicator.outgoing


def _later_mark(self, db, actor, above):
    found, mark = _real_outgoing(self, db, actor, above)
    return found[:-1], mark


_real_advance = replica.advance


def _back_and_forth(db, ns, actor, mark):
    table.set_mark(db, ns, actor, mark)


def _no_life(db, ns, bodies):
    me = replica.identities.identity(db)
    told = [slots.Slot(key, 0, seq, body) for key, (seq, body) in bodies.items()]
    changed = replica.take(db, ns, me, told)
    _real_advance(db, ns, me, replica.Mark(max(s.seq for s in told)))
    return changed


def _forget_without_the_log(self, tomb):
    log = list(self.state.log)
    _real_forget(self, tomb)
    self.state.log[:] = log


_real_forget = MemoryHub._forget


def _unblanked(*told):
    return list(told[-1])


def _told_of_all(one, db, _):
    me = replica.identities.identity(db)
    peer = table.peer(db, one.ns, me)
    mark = replicator.Mark(peer.vv, one.bindings.random(8))
    return guarded.Outgoing(table.of_actor(db, one.ns, me)[-1:], mark)


def _skipping(self, db, entries, heard):
    self.replicator.take_entries(db, entries, heard.after)


MUTANTS: dict[str, Callable[[], None]] = {
    "the greater (gen, seq) wins: seq alone": _beats_by(lambda s: (s.seq, not s.body)),
    "the greater (gen, seq) wins: gen alone": _beats_by(lambda s: (s.gen, not s.body)),
    "the greater (gen, seq) wins: the last to come": _set(
        (replica, "beats", lambda *_: True)
    ),
    "a redacted state beats the full one": _beats_by(lambda s: (s.gen, s.seq)),
    "a digest covers the redaction": _set((replica, "mark", _blind_mark)),
    "known tombstones redact what comes": _set((replica, "_blanked", _unblanked)),
    "a tombstone redacts what is here": _set((replica, "_redact", lambda *_: {})),
    "what is counted anew has a new gen": _set((replica, "write_own", _no_life)),
    "a mark never goes back": _set((replica, "advance", _back_and_forth)),
    "a mark moves only without a gap": _set((Replicator, "_continues", lambda *_: True)),
    "the hub's mark moves only without a gap": _set((MemoryHub, "_continues", lambda *_: True)),
    "a push for another epoch is refused": _set((MemoryHub, "_check_epoch", _nothing)),
    "a new epoch begins the log anew": _set((Replicator, "_is_new", lambda *_: False)),
    "a pull promises only of the same hub": _set((Replicator, "_is_same", lambda *_: True)),
    "what the log lost is pulled": _set((Replicator, "_pull_what_is_missing", _async_nothing)),
    "what the hub lacks is pushed": _set((Replicator, "_push_what_is_missing", _async_nothing)),
    "others are relayed": _set((Replicator, "_push_what_is_missing", _push_own_alone)),
    "slots and mark are of one moment": _set((Replicator, "outgoing", _later_mark)),
    "digests are compared": _set((Replicator, "compare", _async_nothing)),
    "a difference is pushed": _set((Replicator, "_push_all", _async_nothing)),
    "a twin is noticed by its tag or number": _set((Replicator, "_check_mark", _nothing)),
    "a twin's entries are noticed in the log": _set((Replicator, "_check_own", _nothing)),
    "of two bodies with one number the greater is kept": _beats_by(
        lambda s: (s.gen, s.seq, not s.body)
    ),
    "an unanswered push is looked for in the hub's trail": _set((fork, "believe", _nothing)),
    "what was sent is kept for a fork": _set((table, "keep_bases", _nothing)),
    "an unsigned message is refused": _set((wire.Keyring, "is_signed", lambda *_: True)),
    "an unsound entry is refused": _set((wire, "_problem", lambda _: None)),
    "an unsound slot is refused": _set((wire, "slot_problem", lambda _: None)),
    "the hub redacts": _set((MemoryHub, "_is_forgotten", lambda *_: False)),
    "a forgetting empties the hub's log": _set((MemoryHub, "_forget", _forget_without_the_log)),
    "a quick push finds the hub as it was left": _set((MemoryHub, "_check_mark", _nothing)),
    "a quick push goes on from where the last one ended": _set(
        (guarded, "told", _told_of_all)
    ),
    "a place in the log moves only without a gap": _set((Quick, "_take_last", _skipping)),
    "what the hub refused is not noted as sent": _set((guarded, "take_back", _nothing)),
    "who is forgotten forgets its newest too": _set((Replicator, "_farewell", lambda *_: {})),
}  # fmt: skip


def is_noticed(name: str, command: Sequence[str]) -> bool:
    """Tell whether the command fails when the rule is missing."""
    environ = {**os.environ, VARIABLE: name}
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environ, timeout=SECONDS_MAX,
        capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode != 0


TESTS = [f"tests/federation/test_{name}.py" for name in ("traps", "twins", "quick", "laws", "wire")]
TESTS += ["tests/federation/test_hubs.py", "-k", "not redis"]


WAYS = {
    "schedules": [
        "-m", "tests.federation.schedules", "--count", str(SCHEDULES), "--failures", "1",
    ],
    "directed tests": ["-m", "pytest", "-q", "-x", "--no-cov", *TESTS],
}  # fmt: skip


def apply() -> None:
    """Take the rule out that the environment names."""
    if name := os.environ.get(VARIABLE):
        MUTANTS[name]()


def table_of_all(ways: Sequence[str]) -> int:
    """Print which of these ways notice each removal; return how many nothing notices."""
    print(
        f"| rule that is taken out | {' | '.join(ways)} |\n| --- {'| --- ' * len(ways)}|",
        flush=True,
    )
    seen: Counter[str] = Counter()
    for name in MUTANTS:
        found = [way for way in ways if is_noticed(name, WAYS[way])]
        seen.update([*found, "either"] if found else [])
        marks = " | ".join("noticed" if way in found else "-" for way in ways)
        print(f"| {name} | {marks} |", flush=True)
    for way in (*ways, "either"):
        print(f"{way}: {seen[way]} of {len(MUTANTS)} ({seen[way] / len(MUTANTS):.0%})")
    return len(MUTANTS) - seen["either"]
