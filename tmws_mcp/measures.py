"""What a process has done since it began: sums and times that only rise, for whoever asks.

Added up in memory at some microsecond each, by any thread. The names and their meaning are listed
once, where they are told (web/metrics.py).
"""

import threading
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

BOUNDS_SECONDS = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0,
)  # fmt: skip
"""Upper bounds of the buckets that times are counted in; one more holds what took longer."""
SERIES_MAX = 2_000
"""Names with their labels; what comes after them is not counted."""

Labels = tuple[tuple[str, str], ...]


class Sample(NamedTuple):
    """A sum, or the times of something: how many in each bucket, and their sum in seconds."""

    name: str
    labels: Labels
    total: float
    buckets: tuple[int, ...] = ()


class _Times:
    __slots__ = ("buckets", "total")

    def __init__(self) -> None:
        self.total, self.buckets = 0.0, [0] * (len(BOUNDS_SECONDS) + 1)


class Measures:
    """Sums and times by name and labels."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: dict[tuple[str, Labels], float] = {}
        self._times: dict[tuple[str, Labels], _Times] = {}

    def count(self, name: str, n: float = 1, **labels: str) -> None:
        """Add to a sum."""
        key = (name, tuple(labels.items()))
        with self._lock:
            if key in self._sums or self._has_room():
                self._sums[key] = self._sums.get(key, 0.0) + n

    def time(self, name: str, seconds: float, **labels: str) -> None:
        """Add a time to those of something."""
        key = (name, tuple(labels.items()))
        with self._lock:
            times = self._times.get(key)
            if times is None:
                if not self._has_room():
                    return
                times = self._times[key] = _Times()
            times.total += seconds
            times.buckets[bisect_left(BOUNDS_SECONDS, seconds)] += 1

    def samples(self) -> Sequence[Sample]:
        """Return all that was added up."""
        with self._lock:
            sums = [Sample(*key, total) for key, total in self._sums.items()]
            times = [
                Sample(*key, one.total, tuple(one.buckets)) for key, one in self._times.items()
            ]
        return [*sums, *times]

    def _has_room(self) -> bool:
        return len(self._sums) + len(self._times) < SERIES_MAX
