"""Have the executions of a pattern become slower? Page-Hinkley on the logarithms of their times.

The test adds up by how much each time exceeds what was usual, less an allowance, and raises the
alarm over a threshold (Page, 1954; Hinkley, 1971). In logarithms, since a time that doubles is the
same news at 2 ms and at 200 ms; what was usual is their mean from before the suspicion arose.
"""

from collections import OrderedDict
from dataclasses import dataclass
from math import log2

PATTERNS_MAX = 1_000
USUAL_RUNS_MIN = 20
"""Before, nothing is usual yet."""
ALLOWED = 0.5
"""In octaves: times vary by half as much again for no reason."""
ALARM = 8.0
"""Eight runs of three times the usual time, say, or five of six times."""
MS_MIN = 1.0
"""Below it a difference is of no interest to anybody."""


@dataclass(slots=True)
class Watched:
    """The times of a pattern."""

    runs: int = 0
    mean: float = 0.0
    """Of the logarithms, while nothing is suspicious."""
    suspicion: float = 0.0
    lately: float = 0.0
    """Mean since the suspicion arose."""
    suspect_runs: int = 0
    since: float = 0.0
    """When the suspicion arose."""


@dataclass(frozen=True, slots=True)
class Slower:
    """A pattern that has become slower."""

    pattern: str
    usual_ms: float
    now_ms: float
    since: float


class Slowness:
    """The alarms of all patterns of this process."""

    def __init__(self) -> None:
        self._watched: OrderedDict[str, Watched] = OrderedDict()
        self._slower: dict[str, Slower] = {}

    @property
    def slower(self) -> tuple[Slower, ...]:
        """The patterns that are slower than they were."""
        return tuple(self._slower.values())

    def note(self, pattern: str, ms: float, now: float) -> None:
        """Look at the time of a run."""
        state = self._watched.setdefault(pattern, Watched())
        self._watched.move_to_end(pattern)
        while len(self._watched) > PATTERNS_MAX:
            self._slower.pop(self._watched.popitem(last=False)[0], None)
        time = log2(max(ms, MS_MIN))
        _weigh(state, time, now)
        if state.suspicion > ALARM:
            usual, lately = 2**state.mean, 2**state.lately
            self._slower[pattern] = Slower(pattern, usual, lately, state.since)
            # What it takes now is usual from now on; the alarm stays until it is quick again.
            self._watched[pattern] = Watched(state.suspect_runs, state.lately)
        elif (slower := self._slower.get(pattern)) and time <= log2(slower.usual_ms) + ALLOWED:
            del self._slower[pattern]


def _weigh(state: Watched, time: float, now: float) -> None:
    excess = time - state.mean - ALLOWED
    if state.runs < USUAL_RUNS_MIN or state.suspicion + excess <= 0:
        state.runs += 1
        state.mean += (time - state.mean) / state.runs
        state.suspicion, state.suspect_runs, state.lately = 0.0, 0, 0.0
        return
    if not state.suspicion:
        state.since = now
    state.suspicion += excess
    state.suspect_runs += 1
    state.lately += (time - state.lately) / state.suspect_runs
