"""How soon the alarm notices that something got worse or better, and how often it is wrong.

Successes are drawn with a fixed seed: a tool works in a share of its calls, then in another. A
false alarm is one before the change, or in a long run without any.
"""

import sys
from dataclasses import dataclass
from random import Random
from statistics import median

from pydantic import JsonValue

from benchmarks.report import Table, arguments, show
from tmws_mcp.learning import drift
from tmws_mcp.store.drift import Watched

SEED = 20261125
USUAL = 60
STEPS_MAX = 300
CHANGES = ((0.95, 0.3), (0.9, 0.6), (0.95, 0.7), (0.7, 0.3), (1.0, 0.5), (0.3, 0.95), (0.5, 0.9))
STEADY = (0.99, 0.95, 0.9, 0.7, 0.5, 0.3, 0.05)
STEADY_STEPS = 1_000
NOTICED_MAX = {(0.95, 0.3): 13, (0.9, 0.6): 35, (0.3, 0.95): 22}
"""Medians that are promised; what is over them is a failure."""


@dataclass(frozen=True, slots=True)
class Change:
    """What came of many tries at one change."""

    median: float
    p90: float
    missed: float
    false: float


def alarm_at(draw: Random, before: float, after: float, *, usual: int, steps: int) -> int | None:
    """Return the number of the observation that raises the alarm, None without one."""
    state = Watched(0, 0)
    for number in range(usual + steps):
        state = drift.after(state, ok=draw.random() < (before if number < usual else after))
        if drift.is_alarming(state):
            return number + 1
    return None


def change(draw: Random, before: float, after: float, tries: int) -> Change:
    """Return how soon a change is noticed."""
    found = [alarm_at(draw, before, after, usual=USUAL, steps=STEPS_MAX) for _ in range(tries)]
    late = sorted(at - USUAL for at in found if at is not None and at > USUAL)
    return Change(
        median=median(late),
        p90=late[len(late) * 9 // 10],
        missed=found.count(None) / tries,
        false=sum(at is not None and at <= USUAL for at in found) / tries,
    )


def false_alarms(draw: Random, share: float, tries: int) -> float:
    """Return how many of so many runs without a change raise an alarm."""
    runs = (alarm_at(draw, share, share, usual=0, steps=STEADY_STEPS) for _ in range(tries))
    return sum(at is not None for at in runs) / tries


def main() -> int:
    """Print both tables; 1 if a change is noticed later than promised."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--tries", type=int, default=500)
    given = parser.parse_args()
    draw = Random(SEED)
    changes = {pair: change(draw, *pair, given.tries) for pair in CHANGES}
    steady = {share: false_alarms(draw, share, given.tries) for share in STEADY}
    noticed = Table(
        f"a share of successes changes after {USUAL} observations ({given.tries} tries)",
        ("change", "noticed after, median", "p90", f"not within {STEPS_MAX}", "false alarm before"),
        [
            (f"{a:g} -> {b:g}", f"{f.median:g}", f"{f.p90:g}", f"{f.missed:.1%}", f"{f.false:.1%}")
            for (a, b), f in changes.items()
        ],
    )
    wrong = Table(
        f"nothing changes in {STEADY_STEPS:,} observations",
        ("share", "runs with a false alarm"),
        [(f"{share:g}", f"{part:.1%}") for share, part in steady.items()],
    )
    figures: dict[str, JsonValue] = {
        "changes": {f"{a:g} -> {b:g}": f.median for (a, b), f in changes.items()},
        "false_alarms": {f"{share:g}": part for share, part in steady.items()},
    }
    show(figures, (noticed, wrong), as_json=given.json)
    return int(any(changes[pair].median > most for pair, most in NOTICED_MAX.items()))


if __name__ == "__main__":
    sys.exit(main())
