"""Times as counts in buckets an eighth of an octave wide: they add up, and a quantile is near.

A bucket is the name of a count ("us:112"), so that a histogram is a part of a bag of integers
(store/figures.py). A quantile is right within 5 %.
"""

from collections.abc import Mapping
from math import ceil, log2

BUCKETS_EACH_OCTAVE = 8


def bucket(kind: str, ms: float) -> str:
    """Return the count that a time belongs to."""
    return f"{kind}:{round(BUCKETS_EACH_OCTAVE * log2(max(ms * 1000, 1.0)))}"


def quantile(counts: Mapping[str, int], kind: str, share: float) -> float | None:
    """Return the time, in milliseconds, that a share of the times does not exceed; None: no times.

    >>> quantile({bucket("us", 2.0): 19, bucket("us", 100.0): 1}, "us", 0.5)
    2.05
    >>> quantile({bucket("us", 2.0): 19, bucket("us", 100.0): 1}, "us", 0.99)
    101.0
    """
    held = sorted(
        (int(name.removeprefix(f"{kind}:")), n)
        for name, n in counts.items()
        if name.startswith(f"{kind}:")
    )
    left = ceil(share * sum(n for _, n in held))
    for number, n in held:
        left -= n
        if left <= 0:
            return _rounded(2 ** (number / BUCKETS_EACH_OCTAVE) / 1000)
    return None


def _rounded(ms: float) -> float:
    """Return three digits that count: more would claim more than a bucket knows."""
    return float(f"{ms:.3g}")
