"""Results that say nearly the same: the best one comes at its place, the others after the rest.

Which ones do was found when they were stored: their vectors all but coincide, and digits and
identifiers are equal (near.py). Nothing is hidden: what is folded comes later in the same list, and
the one that stands for it names it among its near duplicates.
"""

from collections.abc import Iterable, Sequence

HEAD = 60
"""Results that are folded; what comes later is hardly shown."""


def folded(order: Sequence[int], links: Iterable[tuple[int, int]]) -> list[int]:
    """Return memories in their order, but those that repeat an earlier one after the head.

    Nothing is chained: what is folded is near the one that stands for it, not only near another.

    >>> folded([7, 3, 5, 9], [(3, 7), (9, 3)])
    [7, 5, 9, 3]
    """
    near: dict[int, set[int]] = {}
    for one, two in links:
        near.setdefault(one, set()).add(two)
        near.setdefault(two, set()).add(one)
    if not near:
        return list(order)
    kept: list[int] = []
    again: list[int] = []
    for memory in order[:HEAD]:
        repeats = not near.get(memory, set()).isdisjoint(kept)
        (again if repeats else kept).append(memory)
    return [*kept, *again, *order[HEAD:]]
