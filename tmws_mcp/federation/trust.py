"""How far others' counts are believed: pure functions of what all actors have counted.

An actor's weight in one thing is capped, and its share of successes is drawn to where the others
stand (a winsorised mean: what lies outside all others counts as the outermost of them). So one
that lies moves little, however much it claims. On a hub that strangers share, what others say
counts only where three of them, or the instance itself, have seen the thing.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from tmws_mcp.federation.bodies import Counts

Trust = Literal["team", "open"]
WEIGHT_MAX = 50
"""More outcomes of one actor tell hardly more, and would outweigh everybody else's."""
ACTORS_MIN = 3
COMPARED_MIN = 4
"""With fewer actors nobody is outside the others."""


def heard(actors: int, *, own: bool, trust: Trust) -> bool:
    """Tell whether what so many others say counts at all."""
    return trust == "team" or own or actors >= ACTORS_MIN


def weighed(
    others: Mapping[str, Counts], own: Counts | None, *, trust: Trust = "team"
) -> dict[str, Counts]:
    """Return others' counts as they are believed.

    Within a team a sum of several instances' counts weighs as much as they may together.
    """
    capped = {
        actor: _capped(told, WEIGHT_MAX * (told.actors if trust == "team" else 1))
        for actor, told in others.items()
    }
    if len(capped) < COMPARED_MIN - 1:
        return capped
    shares = sorted(_share(told) for told in (*capped.values(), *([own] if own else [])) if told.n)
    if len(shares) < COMPARED_MIN:
        return capped
    low, high = shares[1], shares[-2]
    return {actor: _drawn(told, low, high) for actor, told in capped.items()}


def _share(told: Counts) -> float:
    n, ok = told.n - told.before_n, told.ok - told.before_ok
    return ok / n if n else 0.0


def _capped(told: Counts, most: int) -> Counts:
    """Return the counts with those since the last change, and those before it, within the cap."""
    if not told.before_n and told.n <= most:  # as almost all are
        return told
    before_n, before_ok = _scaled(told.before_n, told.before_ok, most)
    n, ok = _scaled(told.n - told.before_n, told.ok - told.before_ok, most)
    whole = told.n - told.before_n
    part = n / whole if whole else 1.0
    outside_n = min(n, round(told.outside_n * part))
    return msgspec.structs.replace(
        told,
        n=n + before_n,
        ok=ok + before_ok,
        before_n=before_n,
        before_ok=before_ok,
        outside_n=outside_n,
        outside_ok=min(ok, outside_n, round(told.outside_ok * part)),
        tokens=round(told.tokens * part),
        metered=min(n + before_n, round(told.metered * part)),
        durations={bucket: max(1, round(times * part)) for bucket, times in told.durations.items()},
    )


def _scaled(n: int, ok: int, most: int) -> tuple[int, int]:
    return (n, ok) if n <= most else (most, round(most * ok / n))


def _drawn(told: Counts, low: float, high: float) -> Counts:
    n = told.n - told.before_n
    ok = round(n * min(max(_share(told), low), high))
    outside_ok = min(told.outside_ok, ok)
    return msgspec.structs.replace(told, ok=ok + told.before_ok, outside_ok=outside_ok)
