"""Between the rows that learning counts in and the slots that travel.

`collect` makes slots of what was counted here since the last time: the rows carry the number of
their last change, so that nothing has to be noted while observing. `adopt` writes what others have
counted into the tables that learning reads, as far as it is believed.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tmws_mcp.federation import bodies, replica, trust
from tmws_mcp.federation.bodies import Counts, Followed
from tmws_mcp.federation.privacy import Place, Seal
from tmws_mcp.federation.slots import CONTEXT, OUTCOME, TOMBSTONE, forgets
from tmws_mcp.federation.trust import Trust
from tmws_mcp.model.federation import Slot
from tmws_mcp.store import actor as identities
from tmws_mcp.store import namespaces, shared
from tmws_mcp.store import slots as table
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context
from tmws_mcp.store.shared import Row

COLLECTED_MAX = 2_000
"""Rows made into slots in one transaction, which holds the write lock."""
DAY_SECONDS = 86_400
TOLD_FROM = 3
"""So often must something have been counted here before it is told what it is."""
AREAS = ("learning", "contexts")
"""What learning keeps in its caches moves with these generations (learning/learned.py)."""
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
        outcomes = shared.own_outcomes(db, ns, me, above, COLLECTED_MAX)
        contexts = shared.own_contexts(db, ns, me, above, COLLECTED_MAX)
        # Both are read up to one number, since what is left comes with a greater one.
        upto = min(
            rows[-1][0] if len(rows) == COLLECTED_MAX else newest for rows in (outcomes, contexts)
        )
        told: dict[bytes, tuple[int, bytes]] = {}
        for seq, context, row in outcomes:
            if seq <= upto and (key := self.seal.hidden(OUTCOME, Place(*context))):
                told[key] = (seq, bodies.encode(self._counts(db, ns, context, row)))
        for seq, context, n in contexts:
            if seq <= upto and (key := self.seal.hidden(CONTEXT, Place(*context))):
                told[key] = (seq, bodies.encode(Followed(n)))
        if told:
            changed = replica.write_own(db, ns, told)
            if self.trust == "open":  # what others say of it counts from now on
                self._adopt(db, ns, changed)
        table.move_link(db, ns, exported=upto)
        return upto < newest

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
        self._adopt(db, ns, keys)
        for area in AREAS:
            namespaces.touch(db, ns, area)

    def _adopt(self, db: Connection, ns: int, keys: Iterable[bytes]) -> None:
        me, peers = identities.identity(db), list(table.peers(db, ns))
        outcomes: list[tuple[Context, str, int, Row]] = []
        contexts: list[tuple[Context, str, int, int]] = []
        for key in dict.fromkeys(_things(keys)):
            place = self.seal.shown(key)
            if key[:1] not in TABLES or place is None:
                continue
            slots = dict(table.of_key(db, ns, key))
            alive = {actor: slot for actor, slot in slots.items() if slot.body}
            gone = [name for name in peers if name != me and name not in alive]
            own = slots.get(me)
            if own is not None and not own.body:
                gone.append(me)
            elif own is not None and not shared.has_own(db, ns, TABLES[key[:1]], place, me):
                self._put_own(db, ns, key, place, me, own)
            shared.drop(db, ns, TABLES[key[:1]], place, gone)
            if not alive and self._was_forgotten(db, ns, key):
                self.meaning.unlearn(db, ns, place)
            if key[:1] == CONTEXT:
                contexts += self._believed_contexts(place, alive, me)
            else:
                outcomes += self._believed(db, ns, place, alive, me)
        shared.put_outcomes(db, ns, outcomes)
        shared.put_contexts(db, ns, contexts)

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
            for actor, counts in trust.weighed(told, own).items()
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


def _day(moment: float) -> int:
    return max(0, int(moment // DAY_SECONDS))


def _buckets(text: str) -> dict[int, int]:
    return {int(bucket): n for bucket, n in json.loads(text).items()}


def _row(told: Counts) -> Row:
    durations = {str(bucket): n for bucket, n in sorted(told.durations.items())}
    return Row(
        told.n, told.ok, told.tokens, told.metered,
        json.dumps(durations, separators=(",", ":")), float(told.day * DAY_SECONDS), told.epoch,
        told.before_n, told.before_ok,
        float(told.changed * DAY_SECONDS) if told.changed else None,
        told.outside_n, told.outside_ok,
    )  # fmt: skip
