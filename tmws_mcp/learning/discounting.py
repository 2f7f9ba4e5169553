"""Interpolated absolute discounting: a distribution out of counts, from general to particular.

Each level gives up a fixed part of every count to the level above, in proportion to how varied it
is (Ney, Essen and Kneser, 1994).
"""

from collections.abc import Iterable, Mapping

DISCOUNT = 0.6


Shares = tuple[Mapping[str, float], int]
"""Shares, and how many levels they stand on."""
NOTHING: Shares = ({}, 0)


def interpolate(levels: Iterable[Mapping[str, int]], above: Shares = NOTHING) -> Shares:
    """Return the shares, and how many levels were reached; empty levels end the descent.

    `above` is what more general levels came to: they are large, and many cases share them.
    """
    shares, reached = above
    for level in levels:
        total = sum(level.values())
        if not total:
            break
        passed_on = DISCOUNT * len(level) / total
        general = shares
        lower = {action: passed_on * share for action, share in general.items()}
        for action, n in level.items():
            kept = (n - DISCOUNT if n > DISCOUNT else 0.0) / total
            lower[action] = kept + lower[action] if action in general else kept
        shares = lower
        reached += 1
    return shares, reached
