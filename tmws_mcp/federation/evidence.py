"""Between the rows that learning counts in and the slots that travel.

`collect` makes slots of what was counted here since the last time: the rows carry the number of
their last change, so that nothing has to be noted while observing. `adopt` writes what others have
counted into the tables that learning reads, as far as it is believed.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import msgspec

from tmws_mcp.federation import bodies, replica, trust
from tmws_mcp.federation.bodies import About, Counts, Done, Ending, Followed
from tmws_mcp.federation.privacy import Place, Seal
from tmws_mcp.federation.slots import CONTEXT, OUTCOME, TASK, TOMBSTONE, forgets
from tmws_mcp.federation.trust import Trust
from tmws_mcp.federation.wholes import Related, Wholes
from tmws_mcp.federation.wire import BODY_BYTES_MAX
from tmws_mcp.model.federation import Slot
from tmws_mcp.store import actor as identities
from tmws_mcp.store import namespaces, shared, tasks
from tmws_mcp.store import slots as table
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context
from tmws_mcp.store.shared import Row
from tmws_mcp.store.tasks import Known, Run

COLLECTED_MAX = 500
"""Rows made into slots in one transaction, which holds the write lock."""
DAY_SECONDS = 86_400
TOLD_FROM = 3
"""So often must something have been counted here before it is told what it is."""
AREAS = ("learning", "contexts")
"""What learning keeps in its caches moves with these generations (learning/learned.py)."""
_to_json = msgspec.json.Encoder().encode
Told = tuple[int, bytes | None, bytes]
"""seq, the slot's key (None: it may not leave), body"""
TABLES = {OUTCOME: "outcome", CONTEXT: "context"}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What learning knows of its slots; functions within a transaction."""

    about: Callable[[Connection, int, Context], tuple[str, ...]]
    """What an own slot is the evidence of: the words that `learn` understands."""
    learn: Callable[[Connection, int, Context, tuple[str, ...], float], None]
    """Keep what somebody else's slot is the evidence of."""
    unlearn: Callable[[Connection, int, Context], None]
    """Drop what a slot was the evidence of: it is forgotten everywhere."""
    related: Related
    """What is known of a task or a tool as a whole (wholes.py)."""
    shown_by: Callable[[str, Sequence[tuple[str, bool]]], Sequence[Context]]
    """What a run for a task, by its key, is evidence of."""
    unlearn_whole: Callable[[Connection, int, Context], None]
    """Drop all that is known of a task or a tool: it is forgotten everywhere."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of one namespace on its way out and in."""

    seal: Seal
    trust: Trust
    meaning: Meaning

    def collect(self, db: Connection, ns: int) -> bool:
        """Make slots of own rows that have changed; tell whether more are left."""
        me, above = identities.identity(db), table.link(db, ns).exported
        newest = identities.seq(db)
        if above == newest:
            return False
        parts = (
            self._outcomes(db, ns, shared.own_outcomes(db, ns, me, above, COLLECTED_MAX)),
            self._contexts(shared.own_contexts(db, ns, me, above, COLLECTED_MAX)),
            self._tasks(tasks.changed(db, ns, above, COLLECTED_MAX)),
        )
        # All are taken up to one number, since what is left comes with a greater one.
        upto = min(part[-1][0] if len(part) == COLLECTED_MAX else newest for part in parts)
        told = {
            key: (seq, body) for part in parts for seq, key, body in part if key and seq <= upto
        }
        if told:
            changed = replica.write_own(db, ns, told)
            if self.trust == "open":  # what others say of it counts from now on
                self._adopt(db, ns, changed)
        table.move_link(db, ns, exported=upto)
        return upto < newest

    def _outcomes(
        self, db: Connection, ns: int, rows: Sequence[tuple[int, Context, Row]]
    ) -> list[Told]:
        return [
            (seq, self.seal.hidden(OUTCOME, Place(*context)), bodies.encode(
                self._counts(db, ns, context, row)
            ))
            for seq, context, row in rows
        ]  # fmt: skip

    def _contexts(self, rows: Sequence[tuple[int, Context, int]]) -> list[Told]:
        return [
            (seq, self.seal.hidden(CONTEXT, Place(*context)), bodies.encode(Followed(n)))
            for seq, context, n in rows
        ]

    def _tasks(self, met: Sequence[Known]) -> list[Told]:
        return [
            (one.seq, self.seal.hidden(TASK, Place("task", one.hash, "")), self._about(one))
            for one in met
        ]

    def _about(self, task: Known) -> bytes:
        """Return a task without its text; words go enciphered, as keys do."""
        words = {
            self.seal.word(word): n for word, n in list(task.words.items())[: bodies.WORDS_MAX]
        }
        runs = [
            Done(cast("Ending", run.outcome), _day(run.at), list(run.steps)[: bodies.STEPS_MAX])
            for run in task.runs
            if all(tool and self.seal.may_name(tool) for tool, _ in run.steps)
        ]
        told = About(words, runs, _day(task.last_at))
        while len(bodies.encode(told)) > BODY_BYTES_MAX and told.runs:
            told = About(words, told.runs[:-1], told.day)
        return bodies.encode(told)

    def _counts(self, db: Connection, ns: int, context: Context, row: Row) -> Counts:
        about = self.meaning.about(db, ns, context) if row.n >= TOLD_FROM else ()
        return Counts(
            row.n, row.ok, row.tokens, row.metered, _buckets(row.durations), _day(row.last_at),
            epoch=row.gen, before_n=row.before_n, before_ok=row.before_ok,
            changed=_day(row.changed_at or 0), outside_n=row.outside_n,
            outside_ok=row.outside_ok,
            about=[] if any(map(self._is_denied, about)) else list(about),
        )  # fmt: skip

    def _is_denied(self, name: str) -> bool:
        return self.seal.is_denied(name)

    def adopt(self, db: Connection, ns: int, keys: Iterable[bytes]) -> None:
        """Write into learning's tables what changed for these things."""
        found = dict.fromkeys(keys)
        for tomb in [key for key in found if key[:1] == TOMBSTONE]:
            found |= dict.fromkeys(self._drop_whole(db, ns, tomb[1:]))
        self._adopt(db, ns, found)
        for area in AREAS:
            namespaces.touch(db, ns, area)

    def _drop_whole(self, db: Connection, ns: int, key: bytes) -> Sequence[bytes]:
        """Drop all that is known here of a task or a tool that is forgotten; return what changed.

        Only once: who has counted it again since then does so in a slot that is full.
        """
        wholes = self.wholes
        place = wholes.place(key)
        if place is None or wholes.own(db, ns, [key]):
            return ()
        parts = wholes.parts(db, ns, place)
        replica.take_back(db, ns, wholes.own(db, ns, parts))
        self.meaning.unlearn_whole(db, ns, place)
        return parts  # others may count it again, so that their rows are written anew

    @property
    def wholes(self) -> Wholes:
        """Tasks and tools as wholes."""
        return Wholes(self.seal, self.meaning.related)

    def _adopt(self, db: Connection, ns: int, keys: Iterable[bytes]) -> None:
        things = list(dict.fromkeys(_things(keys)))
        here = _Here(identities.identity(db), frozenset(table.peers(db, ns)))
        all_slots, found = table.of_keys(db, ns, things), _Rows()
        for key in things:
            place = self.seal.shown(key)
            if place is None:
                continue
            slots = all_slots.get(key, {})
            if key[:1] == TASK:
                self._adopt_task(db, ns, place, slots, here.me)
            else:
                alive = {actor: slot for actor, slot in slots.items() if slot.body}
                self._adopt_own(db, ns, key, place, slots.get(here.me), here.me)
                found.keep(key, place, here.kept(slots, alive), here.all)
                self._adopt_others(db, ns, key, place, alive, here.me, found)
        found.write(db, ns)

    def _adopt_own(
        self, db: Connection, ns: int, key: bytes, place: Place, own: Slot | None, me: str
    ) -> None:
        """Bring own rows in line where they are not."""
        if own is None or not own.body:
            return
        if not shared.has_own(db, ns, TABLES[key[:1]], place, me):
            self._put_own(db, ns, key, place, me, own)

    def _adopt_others(
        self,
        db: Connection,
        ns: int,
        key: bytes,
        place: Place,
        alive: Mapping[str, Slot],
        me: str,
        found: "_Rows",
    ) -> None:
        if not alive and self._was_forgotten(db, ns, key):
            self.meaning.unlearn(db, ns, place)
        if key[:1] == CONTEXT:
            found.contexts += self._believed_contexts(place, alive, me)
        else:
            found.outcomes += self._believed(db, ns, place, alive, me)

    def _adopt_task(
        self, db: Connection, ns: int, place: Place, slots: Mapping[str, Slot], me: str
    ) -> None:
        """Keep what others know of a task: its words, and what they did for it."""
        others = {actor: slot for actor, slot in slots.items() if actor != me}
        told = {actor: bodies.about(slot.body) for actor, slot in others.items() if slot.body}
        known = tasks.find(db, ns, place.key)
        if told and trust.heard(len(told), own=known is not None, trust=self.trust):
            first = next(iter(told.values()))
            words = {self.seal.plain_word(word): n for word, n in first.words.items()}
            known = tasks.take_in(db, ns, place.key, words, float(first.day * DAY_SECONDS))
            for actor, one in told.items():
                runs = [_run(run) for run in one.runs if not self._is_buried(db, ns, place, run)]
                tasks.replace_runs(db, known, _session(actor), runs)
        if known is not None:
            for actor in others.keys() - told.keys():
                tasks.replace_runs(db, known, _session(actor), [])

    def _is_buried(self, db: Connection, ns: int, task: Place, run: Done) -> bool:
        """Tell whether a run shows what was forgotten, and nobody has counted again since.

        Who has not heard of the forgetting goes on telling of it.
        """
        if not table.has_kinds(db, ns, (TOMBSTONE,)):
            return False
        shown = self.meaning.shown_by(task.key, run.steps)
        hidden = [self.seal.hidden(OUTCOME, Place(*context)) for context in shown]
        keys = [key for key in hidden if key and self._was_forgotten(db, ns, key)]
        held = table.of_keys(db, ns, keys)
        return any(not any(slot.body for slot in held.get(key, {}).values()) for key in keys)

    def _was_forgotten(self, db: Connection, ns: int, key: bytes) -> bool:
        return replica.life(db, ns, key) > 0

    def _put_own(
        self, db: Connection, ns: int, key: bytes, place: Place, me: str, own: Slot
    ) -> None:
        """Write an own row out of a slot: after a fork it is another actor's row that was here."""
        if key[:1] == CONTEXT:
            shared.put_contexts(db, ns, [(place, me, own.seq, bodies.followed(own.body).n)])
        else:
            shared.put_outcomes(db, ns, [(place, me, own.seq, _row(bodies.counts(own.body)))])

    def _believed(
        self, db: Connection, ns: int, place: Place, alive: Mapping[str, Slot], me: str
    ) -> list[tuple[Context, str, int, Row]]:
        told = {actor: bodies.counts(slot.body) for actor, slot in alive.items()}
        own = told.pop(me, None)
        if not told:
            return []
        if not trust.heard(len(told), own=own is not None, trust=self.trust):
            shared.drop(db, ns, "outcome", place, list(told))
            return []
        self._learn(db, ns, place, told)
        return [
            (place, actor, alive[actor].seq, _row(counts))
            for actor, counts in trust.weighed(told, own, trust=self.trust).items()
        ]

    def _learn(self, db: Connection, ns: int, place: Place, told: Mapping[str, Counts]) -> None:
        for counts in told.values():
            if counts.about:
                words = tuple(counts.about)
                self.meaning.learn(db, ns, place, words, float(counts.day * DAY_SECONDS))
                return

    def _believed_contexts(
        self, place: Place, alive: Mapping[str, Slot], me: str
    ) -> list[tuple[Context, str, int, int]]:
        told = {actor: bodies.followed(slot.body).n for actor, slot in alive.items() if actor != me}
        if not trust.heard(len(told), own=me in alive, trust=self.trust):
            return []
        most = trust.WEIGHT_MAX if self.trust == "open" else max(told.values(), default=0)
        return [(place, actor, alive[actor].seq, min(n, most)) for actor, n in told.items()]


@dataclass(slots=True)
class _Rows:
    """What is to be written: (context, actor, seq, totals) each."""

    outcomes: list[tuple[Context, str, int, Row]] = field(default_factory=list)
    contexts: list[tuple[Context, str, int, int]] = field(default_factory=list)
    kept: dict[str, list[tuple[Context, Sequence[str]]]] = field(default_factory=dict)
    """Table -> (context, actors whose rows stay) where there may be rows of others."""

    def keep(self, key: bytes, place: Place, actors: Sequence[str], known: frozenset[str]) -> None:
        """Note whose rows of a thing stay; where all do, nothing has to be looked for."""
        if known.difference(actors):
            self.kept.setdefault(TABLES[key[:1]], []).append((place, actors))

    def write(self, db: Connection, ns: int) -> None:
        """Write all at once."""
        for name, kept in self.kept.items():
            shared.keep_only(db, ns, name, kept)
        shared.put_outcomes(db, ns, self.outcomes)
        shared.put_contexts(db, ns, self.contexts)


@dataclass(frozen=True, slots=True)
class _Here:
    """Who is known here."""

    me: str
    all: frozenset[str]

    def kept(self, slots: Mapping[str, Slot], alive: Mapping[str, Slot]) -> list[str]:
        """Return whose rows of a thing stay; one's own also before it was made into a slot."""
        return list(alive) if self.me in slots else [*alive, self.me]


class Shared:
    """The evidence of all namespaces of a store that are shared, each under its own key."""

    def __init__(self) -> None:
        self._of: dict[int, Evidence] = {}

    def add(self, ns: int, evidence: Evidence) -> None:
        """Share a namespace."""
        self._of[ns] = evidence

    def collect(self, db: Connection, ns: int) -> bool:
        """Make slots of own rows of a namespace; of one that is not shared there are none."""
        found = self._of.get(ns)
        return found.collect(db, ns) if found else False

    def adopt(self, db: Connection, ns: int, keys: Iterable[bytes]) -> None:
        """Write into learning's tables what changed for these things."""
        if found := self._of.get(ns):
            found.adopt(db, ns, keys)


def _things(keys: Iterable[bytes]) -> Iterable[bytes]:
    """Return the things that changed: a tombstone changes what it forgets."""
    for key in keys:
        if key[:1] == TOMBSTONE:
            yield key[1:]
        elif not forgets(Slot(key, 0, 0, b"")):
            yield key


def _session(actor: str) -> int:
    """Return the number that stands for the sessions of another instance: below 0."""
    return -int(actor[:13], 16) - 1


def _run(told: Done) -> Run:
    return Run(tuple(told.steps), told.outcome, float(told.day * DAY_SECONDS))


def _day(moment: float) -> int:
    return max(0, int(moment // DAY_SECONDS))


def _buckets(text: str) -> dict[int, int]:
    return {int(bucket): n for bucket, n in json.loads(text).items()}


def _durations(told: Mapping[int, int]) -> str:
    if not told:
        return "{}"
    return _to_json({str(bucket): n for bucket, n in sorted(told.items())}).decode()


def _row(told: Counts) -> Row:
    return Row(
        told.n, told.ok, told.tokens, told.metered, _durations(told.durations),
        float(told.day * DAY_SECONDS), told.epoch, told.before_n, told.before_ok,
        float(told.changed * DAY_SECONDS) if told.changed else None,
        told.outside_n, told.outside_ok,
    )  # fmt: skip
