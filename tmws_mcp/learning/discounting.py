"""Interpolated absolute discounting: a distribution out of counts, from general to particular.

Each level gives up a fixed part of every count to the level above, in proportion to how varied it
is (Ney, Essen and Kneser, 1994).
"""

from collections.abc import Iterable, Mapping

from tmws_mcp.learning.shares import Smoothed, Usual

DISCOUNT = 0.6


Shares = tuple[Mapping[str, float], int]
"""Shares, and how many levels they stand on."""
NOTHING: Shares = ({}, 0)


def interpolate(levels: Iterable[Mapping[str, int]], above: Shares = NOTHING) -> Shares:
    """Return the shares, and how many levels were reached; empty levels end the descent.

    `above` is what more general levels came to: they are large, and many cases share them.
    """
    general, reached = above
    taken = _counted(levels)
    if not taken:
        return above
    # From the particular one upwards, so that each level adds its own few actions and only what is
    # passed on to `above` is reckoned for all of its many.
    left, kept = 1.0, dict[str, float]()
    for level, total in reversed(taken):
        scale = left / total
        for action, n in level.items():
            if n > DISCOUNT:
                kept[action] = kept.get(action, 0.0) + scale * (n - DISCOUNT)
        left *= DISCOUNT * len(level) / total
    if isinstance(general, Usual):
        return Smoothed(general, left, kept), reached + len(taken)
    shares = {action: left * share for action, share in general.items()}
    for action, share in kept.items():
        shares[action] = shares.get(action, 0.0) + share
    return shares, reached + len(taken)


def _counted(levels: Iterable[Mapping[str, int]]) -> list[tuple[Mapping[str, int], int]]:
    """Return the levels with their sums, down to the first that is empty."""
    found: list[tuple[Mapping[str, int], int]] = []
    for level in levels:
        total = sum(level.values())
        if not total:
            break
        found.append((level, total))
    return found
