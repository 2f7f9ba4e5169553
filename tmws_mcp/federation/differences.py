"""Which differences in digests are worth an answer: pure, apart from what was answered already."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tmws_mcp.federation.hub import Digests

ANSWERS_MAX = 2
"""So often a difference in digests is answered: who never moves again is not there any more."""
ANSWERED_MAX = 10_000


@dataclass(slots=True)
class Differences:
    """What was found, and how often it was answered."""

    _answered: dict[tuple[str, str, int, int], int] = field(default_factory=dict)

    def is_new(self, actor: str, mine: Digests, told: Sequence[tuple[str, Digests]]) -> bool:
        """Tell whether somebody has as much of an actor as we have, and yet something else."""
        here = mine.get(actor, (0, 0))
        found = False
        for who, said in told:
            there = said.get(actor, (0, 0))
            if there[0] == here[0] and there[1] != here[1]:
                found |= self._is_worth_answering((who, actor, there[1], here[1]))
        return found

    def _is_worth_answering(self, difference: tuple[str, str, int, int]) -> bool:
        """Somebody who has gone for good goes on telling what it held."""
        if len(self._answered) >= ANSWERED_MAX:
            self._answered.clear()
        times = self._answered[difference] = self._answered.get(difference, 0) + 1
        return times <= ANSWERS_MAX
