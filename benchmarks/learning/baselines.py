"""What simple rules reach: a recommender must beat them to be worth its keep."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.learning.traces import Session, Step

ANSWERS = 10
ORDER_MAX = 4
DISCOUNT = 0.6

Ranked = list[tuple[str, float]]
"""Tools with their confidence, the best first."""


def symbol(step: Step) -> str:
    """Return the step's tool, marked where it failed."""
    return str(step["tool"]) if step["ok"] else f"{step['tool']}!"


def ranked(counts: Mapping[str, float]) -> Ranked:
    """Return the likeliest actions with their shares."""
    total = sum(counts.values())
    best = sorted(counts, key=lambda tool: (-counts[tool], tool))[:ANSWERS]
    return [(tool, counts[tool] / total) for tool in best]


@dataclass(slots=True)
class MostFrequent:
    """Whatever was called most."""

    counts: Counter[str] = field(default_factory=Counter)

    def rank(self, _session: Session, _before: Sequence[Step]) -> Ranked:
        """Return the most called tools."""
        return ranked(self.counts)

    def observe(self, _session: Session, before: Sequence[Step], step: Step) -> None:
        """Count the call."""
        assert before is not None
        self.counts[step["tool"]] += 1


class RepeatLast:
    """The last tool again."""

    def rank(self, _session: Session, before: Sequence[Step]) -> Ranked:
        """Return the last tool; half of the steps repeat it."""
        return [(before[-1]["tool"], 0.5)] if before else []

    def observe(self, _session: Session, before: Sequence[Step], step: Step) -> None:
        """Learn nothing."""


@dataclass(slots=True)
class Markov:
    """What followed the last step most often, else whatever was called most."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)

    def rank(self, _session: Session, before: Sequence[Step]) -> Ranked:
        """Return what followed the last step."""
        last = symbol(before[-1]) if before else "^"
        return ranked(self.counts.get(last) or self.counts.get("", Counter()))

    def observe(self, _session: Session, before: Sequence[Step], step: Step) -> None:
        """Count the step after the last one, and at all."""
        for key in ("", symbol(before[-1]) if before else "^"):
            self.counts.setdefault(key, Counter())[step["tool"]] += 1


@dataclass(slots=True)
class KneserNey:
    """An n-gram of four steps that backs off as Kneser and Ney do."""

    counts: dict[tuple[str, ...], Counter[str]] = field(default_factory=dict)

    def rank(self, _session: Session, before: Sequence[Step]) -> Ranked:
        """Return what followed the longest known suffix, smoothed by shorter ones."""
        shares: dict[str, float] = {}
        for key in self._keys(before):
            level = self.counts.get(key)
            if not level:
                break
            total = level.total()
            passed = DISCOUNT * len(level) / total
            shares = {tool: passed * share for tool, share in shares.items()}
            for tool, n in level.items():
                shares[tool] = shares.get(tool, 0.0) + max(n - DISCOUNT, 0.0) / total
        return ranked(shares) if shares else []

    def observe(self, _session: Session, before: Sequence[Step], step: Step) -> None:
        """Count under the longest suffix; under a shorter one only what is new to the longer."""
        for key in reversed(self._keys(before)):
            level = self.counts.setdefault(key, Counter())
            was_new = step["tool"] not in level
            level[step["tool"]] += 1
            if not was_new:
                break

    def _keys(self, before: Sequence[Step]) -> list[tuple[str, ...]]:
        past = ["^", *map(symbol, before[-ORDER_MAX:])][-ORDER_MAX:]
        return [tuple(past[len(past) - order :]) for order in range(len(past) + 1)]


BASELINES = {
    "most frequent": MostFrequent,
    "repeat last": RepeatLast,
    "Markov": Markov,
    "Kneser-Ney": KneserNey,
}
