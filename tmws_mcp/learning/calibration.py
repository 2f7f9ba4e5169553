"""How often is the best candidate right when the blend gives it such a share?

A mixture of distributions is less sure than it ought to be where its experts agree for different
reasons. So the hits of its first candidate are counted along the share that it had, at 21 knots,
each case split between its two neighbours in thousandths. A share is then read as the share of hits
at that place, leaning on the share itself while little was counted. Counts of several nodes add up.
"""

from collections.abc import Mapping

from tmws_mcp.learning.blend import UNIT
from tmws_mcp.store import evidence
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context

KIND = "calibration"
KNOTS = 20
"""Intervals between the knots."""
STRENGTH = 8 * UNIT
"""The share itself counts as so many cases at each knot."""
HIT, MISS = "hit", "miss"


def counted(want: str, share: float, *, hit: bool) -> dict[Context, int]:
    """Return what a case changes: the first candidate had this share, and was right or not."""
    low, part = _place(share)
    result = HIT if hit else MISS
    return {
        (KIND, want, f"{knot}:{result}"): amount
        for knot, amount in ((low, UNIT - part), (low + 1, part))
        if amount
    }


def calibrated(db: Connection, ns: int, want: str, shares: Mapping[str, float]) -> dict[str, float]:
    """Return the shares as probabilities: the first by its track record, the others in proportion.

    No other candidate gets a higher one than the first; the order is that of the shares, which
    ties would otherwise lose.
    """
    if not shares:
        return {}
    counts = evidence.followers(db, ns, KIND, (want,)).get(want, {})
    first, *others = sorted(shares, key=lambda tool: (-shares[tool], tool))
    sure = _probability(counts, shares[first])
    scale = (1 - sure) / (1 - shares[first]) if shares[first] < 1 else 0.0
    return {first: sure} | {tool: min(shares[tool] * scale, sure) for tool in others}


def _probability(counts: Mapping[str, int], share: float) -> float:
    knots = _knots(counts)
    low, part = _place(share)
    return ((UNIT - part) * knots[low] + part * knots[low + 1]) / UNIT


def _knots(counts: Mapping[str, int]) -> list[float]:
    """Return the share of hits at each knot; a higher share never means a lower one."""
    knots: list[float] = []
    for knot in range(KNOTS + 1):
        hits, misses = counts.get(f"{knot}:{HIT}", 0), counts.get(f"{knot}:{MISS}", 0)
        found = (hits + STRENGTH * knot / KNOTS) / (hits + misses + STRENGTH)
        knots.append(max(found, knots[-1]) if knots else found)
    return knots


def _place(share: float) -> tuple[int, int]:
    """Return the knot below a share, and how far it is to the next one, in thousandths."""
    along = min(max(share, 0.0), 1.0) * KNOTS
    low = min(int(along), KNOTS - 1)
    return low, round((along - low) * UNIT)
