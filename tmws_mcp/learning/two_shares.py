"""Which of two is better, and how sure is that: pure calculation on counts.

The share of successes of each has a Beta posterior (uniform prior); the probability that one share
is the greater is a finite sum for whole counts (Cook, 2005; Miller, 2015), and a normal
approximation where the sum would be long. Durations are compared pair by pair over the buckets
that they were counted in: how often is a run of one faster than a run of the other?
"""

from collections.abc import Mapping
from math import erf, exp, lgamma, log, sqrt

EXACT_RUNS_MAX = 2_000
"""With more runs the approximation is right in the third digit, and the sum takes milliseconds."""


def probability_better(ok: int, n: int, other_ok: int, other_n: int) -> float:
    """Return the probability that the first share is truly greater than the other.

    >>> round(probability_better(0, 0, 0, 0), 3)
    0.5
    >>> round(probability_better(26, 30, 12, 20), 3)
    0.983
    """
    assert 0 <= ok <= n
    assert 0 <= other_ok <= other_n
    good, bad = ok + 1, n - ok + 1
    other_good, other_bad = other_ok + 1, other_n - other_ok + 1
    if max(n, other_n) > EXACT_RUNS_MAX:
        return _approximately(good, bad, other_good, other_bad)
    total = sum(
        exp(
            _log_beta(other_good + i, bad + other_bad)
            - log(bad + i)
            - _log_beta(1 + i, bad)
            - _log_beta(other_good, other_bad)
        )
        for i in range(good)
    )
    return min(max(total, 0.0), 1.0)


def _log_beta(one: float, other: float) -> float:
    return lgamma(one) + lgamma(other) - lgamma(one + other)


def _approximately(good: float, bad: float, other_good: float, other_bad: float) -> float:
    gap = good / (good + bad) - other_good / (other_good + other_bad)
    spread = sqrt(_variance(good, bad) + _variance(other_good, other_bad))
    return (1 + erf(gap / spread / sqrt(2))) / 2


def _variance(good: float, bad: float) -> float:
    total = good + bad
    return good * bad / (total * total * (total + 1))


def share_faster(durations: Mapping[int, int], others: Mapping[int, int]) -> float | None:
    """Return in which share of pairs a run of the first is faster; ties count half.

    None where one of them was never timed.

    >>> share_faster({0: 1, 8: 1}, {8: 2})
    0.75
    """
    pairs = sum(durations.values()) * sum(others.values())
    if not pairs:
        return None
    won = sum(
        n * m * (1.0 if bucket < other else 0.5)
        for bucket, n in durations.items()
        for other, m in others.items()
        if bucket <= other
    )
    return won / pairs
