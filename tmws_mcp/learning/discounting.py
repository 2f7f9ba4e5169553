"""Interpolated absolute discounting: a distribution out of counts, from general to particular.

Each level gives up a fixed part of every count to the level above, in proportion to how varied it
is (Ney, Essen and Kneser, 1994).
"""

from collections.abc import Mapping, Sequence

DISCOUNT = 0.6


def interpolate(levels: Sequence[Mapping[str, int]]) -> tuple[dict[str, float], int]:
    """Return the shares, and how many levels were reached; empty levels end the descent."""
    shares: dict[str, float] = {}
    reached = 0
    for level in levels:
        total = sum(level.values())
        if not total:
            break
        passed_on = DISCOUNT * len(level) / total
        above = shares
        shares = {action: passed_on * share for action, share in above.items()}
        for action, n in level.items():
            kept = max(n - DISCOUNT, 0.0) / total
            shares[action] = kept + passed_on * above.get(action, 0.0)
        reached += 1
    return shares, reached
