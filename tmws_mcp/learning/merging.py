"""Counts of several stores become one, and nothing is counted twice.

A slot belongs to the actor that counts in it and holds absolute totals, so that of two states of
one slot the greater (gen, seq) is the newer and holds all that the other does. Merging is therefore
commutative, and repeating it is harmless; sums over the actors equal what one store would have
counted that saw everything. Weights of the blend are not counts: they never merge.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from tmws_mcp.store.evidence import Context

Place = tuple[str, str, str, str]
"""kind, key, action, actor"""


class Slot(Protocol):
    """The state of a slot, of contexts or of outcomes."""

    @property
    def gen(self) -> int:
        """The greater one is newer, whatever `seq` is."""
        ...

    @property
    def seq(self) -> int:
        """The greater one is newer."""
        ...

    @property
    def n(self) -> int:
        """How often it was counted."""
        ...


S = TypeVar("S", bound=Slot)


def merged(*stores: Mapping[Place, S]) -> dict[Place, S]:
    """Return the newest known state of each slot."""
    found: dict[Place, S] = {}
    for store in stores:
        for place, slot in store.items():
            known = found.get(place)
            if known is None or (slot.gen, slot.seq) > (known.gen, known.seq):
                found[place] = slot
    return found


def totals(slots: Iterable[tuple[Place, Slot]]) -> dict[Context, int]:
    """Return how often each thing was counted, over all actors."""
    found: dict[Context, int] = {}
    for (kind, key, action, _), slot in slots:
        place = (kind, key, action)
        found[place] = found.get(place, 0) + slot.n
    return found
