"""How right and how well calibrated a row of answers was."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import pi, sqrt

BINS = 15
TOP = 3
ANSWERED_MIN = 20
"""A share of answers at a precision means nothing over fewer of them."""


@dataclass(slots=True)
class Ranking:
    """Answers that rank tools, each compared with the right one."""

    n: int = 0
    first: int = 0
    among_first: int = 0
    succeeded: int = 0
    first_of_succeeded: int = 0
    confidences: list[tuple[float, bool]] = field(default_factory=list)

    def add(self, ranked: Sequence[tuple[str, float]], right: str, *, succeeded: bool) -> None:
        """Add one answer."""
        names = [tool for tool, _ in ranked]
        hit = names[:1] == [right]
        self.n += 1
        self.first += hit
        self.among_first += right in names[:TOP]
        self.succeeded += succeeded
        self.first_of_succeeded += succeeded and hit
        if ranked:
            self.confidences.append((min(max(ranked[0][1], 0.0), 1.0), hit))

    @property
    def calibration_error(self) -> float:
        """Return the expected calibration error over 15 bins."""
        error = sum(abs(total - hits) for _, total, hits in self.bins())
        return error / max(len(self.confidences), 1)

    @property
    def calibration_chance(self) -> float:
        """Return what that error would be by chance if each answer came true as often as it says.

        In a bin the hits scatter around the sum of the confidences; a normal distribution's mean
        distance is 0.8 of its standard deviation.
        """
        scatter = [0.0] * BINS
        for confidence, _ in self.confidences:
            scatter[min(int(confidence * BINS), BINS - 1)] += confidence * (1 - confidence)
        return sum(sqrt(2 / pi * square) for square in scatter) / max(len(self.confidences), 1)

    def bins(self) -> list[tuple[int, float, int]]:
        """Return for each bin: answers, sum of confidences, hits."""
        bins = [(0, 0.0, 0)] * BINS
        for confidence, hit in self.confidences:
            place = min(int(confidence * BINS), BINS - 1)
            n, total, hits = bins[place]
            bins[place] = (n + 1, total + confidence, hits + hit)
        return bins

    def answered_at(self, precision: float) -> float:
        """Return which share of the cases can be answered at this precision."""
        most = seen = hits = 0
        ordered = sorted(self.confidences, reverse=True)
        for _, tied in groupby(ordered, lambda pair: pair[0]):
            for _, hit in tied:
                seen, hits = seen + 1, hits + hit
            if hits / seen >= precision and seen >= ANSWERED_MIN:
                most = seen
        return most / max(self.n, 1)


def likeness(answer: Sequence[str], done: Sequence[str]) -> float:
    """Return F1 of the longest common subsequence, repetitions apart."""
    one, other = [tool for tool, _ in groupby(answer)], [tool for tool, _ in groupby(done)]
    row = [0] * (len(other) + 1)
    for tool in one:
        diagonal = 0
        for place, done_tool in enumerate(other, start=1):
            above = row[place]
            row[place] = diagonal + 1 if tool == done_tool else max(above, row[place - 1])
            diagonal = above
    return 2 * row[-1] / (len(one) + len(other)) if one and other else 0.0
