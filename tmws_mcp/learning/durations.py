"""Durations as counts in buckets an eighth of an octave wide, so that they add up exactly.

A mean would be a sum of floats, which depends on the order of arrival, and one run that hung for
an hour would rule it. The median of the buckets is right within 5 %.
"""

from collections.abc import Mapping
from math import log2

BUCKETS_EACH_OCTAVE = 8
SHORTEST_SECONDS = 0.001


def bucket(seconds: float) -> int:
    """Return the bucket that a duration is counted in."""
    return round(BUCKETS_EACH_OCTAVE * log2(max(seconds, SHORTEST_SECONDS)))


def median(durations: Mapping[int, int]) -> float | None:
    """Return the median duration in seconds, None without any.

    >>> median({bucket(2.0): 3, bucket(100.0): 1})
    2.0
    """
    left = (sum(durations.values()) + 1) // 2
    for number, n in sorted(durations.items()):
        left -= n
        if left <= 0:
            return float(2 ** (number / BUCKETS_EACH_OCTAVE))
    return None
