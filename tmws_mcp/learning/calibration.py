"""How often is the best candidate right when the blend gives it such a share?

The hits of the blend's first candidate are counted along the share that it had, at 21 knots, each
case split between its two neighbours in thousandths. A share is then read as the share of hits at
that place, leaning on the share itself while little was counted. Counts of several nodes add up.
Knots of their own for tasks seen before and for new ones were tried: on small sets they cost more
by their noise than they told. Errors are few, so that the knots of repairs lean on those of all
steps: an expert that promises too much does so there as well.
"""

from collections.abc import Mapping, Sequence

from tmws_mcp.learning.case import Case
from tmws_mcp.learning.view import View
from tmws_mcp.store.evidence import Context

KIND = "calibration"
UNIT = 1_000
"""Counts are integers: a case that lies between two knots is split in thousandths."""
KNOTS = 20
"""Intervals between the knots."""
STRENGTH = 10 * UNIT
"""The share itself counts as so many cases at each knot; with 20, four small sets of traces were
off by .005 more."""
STRENGTH_OF_ALL = 40 * UNIT
"""For repairs, the hits of all steps count as so many cases at each knot. Of 5, 10, 20, 40 and 80,
any four of five sets of traces would have chosen 40 or 80 for the fifth, by Brier's score."""
HIT, MISS = "hit", "miss"
NAMES = tuple((f"{knot}:{HIT}", f"{knot}:{MISS}") for knot in range(KNOTS + 1))
"""What hits and misses are counted as, by knot."""


def counted(case: Case, shares: Mapping[str, float], happened: str) -> dict[Context, int]:
    """Return what a case changes: the first candidate had its share, and was right or not."""
    first = _first(shares)
    low, part = _place(shares[first])
    result = 0 if first == happened else 1
    return {
        (KIND, case.want, NAMES[knot][result]): amount
        for knot, amount in ((low, UNIT - part), (low + 1, part))
        if amount
    }


def calibrated(view: View, case: Case, shares: Mapping[str, float]) -> dict[str, float]:
    """Return the shares as probabilities: the first by its track record, the others in proportion.

    No other candidate gets a higher one than the first; the order is that of the shares, which
    ties would otherwise lose.
    """
    if not shares:
        return {}
    # By share, then by name: what sorts is stable, and needs no key that is made for each tool.
    first, *others = sorted(sorted(shares), key=shares.__getitem__, reverse=True)
    sure = _probability(_track_record(view, case), shares[first])
    scale = (1 - sure) / (1 - shares[first]) if shares[first] < 1 else 0.0
    return {first: sure} | {tool: min(shares[tool] * scale, sure) for tool in others}


def _track_record(view: View, case: Case) -> list[float]:
    """Return the share of hits at each knot, for a case like this."""
    counts = view.outcomes.track(KIND, tuple({"next", case.want}))
    itself = [knot / KNOTS for knot in range(KNOTS + 1)]
    all_steps = _knots(counts.get("next", {}), itself, STRENGTH)
    if case.want == "next":
        return all_steps
    return _knots(counts.get(case.want, {}), all_steps, STRENGTH_OF_ALL)


def _first(shares: Mapping[str, float]) -> str:
    return min(shares, key=lambda tool: (-shares[tool], tool))


def _probability(knots: list[float], share: float) -> float:
    low, part = _place(share)
    return ((UNIT - part) * knots[low] + part * knots[low + 1]) / UNIT


def _knots(counts: Mapping[str, int], prior: Sequence[float], strength: int) -> list[float]:
    """Return the share of hits at each knot; a higher share never means a lower one."""
    knots: list[float] = []
    for (hit, miss), expected in zip(NAMES, prior, strict=True):
        hits, misses = counts.get(hit, 0), counts.get(miss, 0)
        found = (hits + strength * expected) / (hits + misses + strength)
        knots.append(max(found, knots[-1]) if knots else found)
    return knots


def _place(share: float) -> tuple[int, int]:
    """Return the knot below a share, and how far it is to the next one, in thousandths."""
    along = min(max(share, 0.0), 1.0) * KNOTS
    low = min(int(along), KNOTS - 1)
    return low, round((along - low) * UNIT)
