"""How things went, as one namespace has counted it, kept from one call to the next.

Outcomes move with each observation, unlike contexts. But an observation knows which of them it has
moved, and looks at these again anyway, so that all others stay as they were read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from tmws_mcp.learning.counting import ALL, TOOL
from tmws_mcp.learning.reading import Read, counted_on
from tmws_mcp.store import evidence, learned
from tmws_mcp.store.counted import Counted
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context, Tally

KEPT_MAX = 1_024
"""Of each sort."""
ASKED_OFTEN = frozenset({ALL[0], TOOL})
"""Kinds that nearly each recommendation looks at: what was just counted of them is kept unasked."""

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class Counts:
    """What is known at one state of the store; threads may share it."""

    seen: bool = False
    """Whether anything was counted, as far as is known."""
    places: dict[Read, Mapping[str, Tally]] = field(default_factory=dict)
    """All actions of a kind and key."""
    slots: dict[Context, Tally] = field(default_factory=dict)
    tracks: dict[Read, Mapping[str, int]] = field(default_factory=dict)
    """Contexts that move with each observation: how much of what happened was foreseen."""
    patterns: dict[str, bool] = field(default_factory=dict)
    """Whether there is a learned pattern of an id."""


def _keep(kept: dict[K, V], key: K, value: V) -> V:
    if len(kept) >= KEPT_MAX:
        kept.clear()
    kept[key] = value
    return value


class Outcomes:
    """The outcomes of a namespace as a transaction sees them: it writes them last."""

    def __init__(self, db: Connection, ns: int, known: Counts) -> None:
        self._db, self._ns, self._known = db, ns, known

    def is_empty(self) -> bool:
        """Tell whether nothing was ever counted."""
        if not self._known.seen:
            self._known.seen = not evidence.is_empty(self._db, self._ns)
        return not self._known.seen

    def tallies(self, kind: str, key: str) -> Mapping[str, Tally]:
        """Return how well each action went in a context."""
        found = self._known.places.get(Read(kind, key))
        if found is None:
            read = evidence.tallies(self._db, self._ns, kind, key)
            found = _keep(self._known.places, Read(kind, key), read)
        return found

    def tallies_of(self, kind: str, key: str, actions: Sequence[str]) -> dict[str, Tally]:
        """Return how well each of these actions went; a tally of zeros where it was never taken."""
        slots = self._known.slots
        kept = {action: slots.get((kind, key, action)) for action in actions}
        found = {action: tally for action, tally in kept.items() if tally is not None}
        if missing := [action for action in kept if action not in found]:
            read = evidence.tallies_of(self._db, self._ns, kind, key, missing)
            for action in missing:
                found[action] = _keep(slots, (kind, key, action), read.get(action, Tally()))
        return found

    def tally(self, kind: str, key: str, action: str) -> Tally:
        """Return how well one action went in a context."""
        return self.tallies_of(kind, key, (action,))[action]

    def track(self, kind: str, keys: Sequence[str]) -> dict[str, Mapping[str, int]]:
        """Return how often actions followed contexts that move with each observation."""
        tracks = self._known.tracks
        kept = {key: tracks.get(Read(kind, key)) for key in keys}
        found = {key: counts for key, counts in kept.items() if counts is not None}
        if missing := [key for key in kept if key not in found]:
            read = evidence.followers(self._db, self._ns, kind, missing)
            for key in missing:
                found[key] = _keep(tracks, Read(kind, key), read.get(key, {}))
        return found

    def patterns(self, ids: Sequence[str]) -> frozenset[str]:
        """Return those of these ids that there is a learned pattern of."""
        kept = {one: self._known.patterns.get(one) for one in ids}
        if missing := [one for one, is_there in kept.items() if is_there is None]:
            read = learned.known(self._db, self._ns, missing)
            for one in missing:
                kept[one] = _keep(self._known.patterns, one, one in read)
        return frozenset(one for one, is_there in kept.items() if is_there)

    def after(
        self,
        counted: Mapping[Context, Counted],
        followed: Mapping[Context, int],
        *,
        same_patterns: bool,
    ) -> Counts:
        """Return what will be known after a transaction that has moved these, in dicts of its own.

        Who still reads the store as it was adds to the old ones.
        """
        before = self._known
        slots = dict(before.slots)
        for slot, now in counted.items():
            if slot in slots or slot[0] in ASKED_OFTEN:
                slots[slot] = now.tally
        return Counts(
            before.seen or bool(counted),
            _placed(before.places, counted),
            slots,
            before.tracks | counted_on(before.tracks, followed),
            dict(before.patterns) if same_patterns else {},
        )


def _placed(
    before: Mapping[Read, Mapping[str, Tally]], counted: Mapping[Context, Counted]
) -> dict[Read, Mapping[str, Tally]]:
    """Return the places with what was counted in them, each as it would be read again."""
    places = dict(before)
    moved: dict[Read, dict[str, Tally]] = {}
    for (kind, key, action), now in counted.items():
        if (place := Read(kind, key)) in places:
            moved.setdefault(place, {})[action] = now.tally
    for place, actions in moved.items():
        merged = {**places[place], **actions}
        if sum(len(tally.actors) for tally in merged.values()) < evidence.ACTIONS_READ_MAX:
            places[place] = dict(sorted(merged.items()))
        else:
            del places[place]  # a longer one is cut where it is read
    return places
