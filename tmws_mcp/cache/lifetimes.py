"""How long may a value be given again? By how often its kind turned out to have changed.

Each pattern says how long; that is multiplied by a factor of its own, which rises a little with
each time that nothing had changed and falls by half when something had: additive in one direction
and multiplicative in the other, as TCP looks for its rate (Chiu and Jain, 1989).
"""

from collections import OrderedDict
from collections.abc import Hashable

CHECKED_FACTORS = (1.0, 60.0)
"""Of what is held against the store before it is given, so that age alone makes it no worse."""
UNCHECKED_FACTORS = (0.25, 1.0)
"""Of what nobody can check: the pattern's own word is the most."""
FIRST = 10.0
STEP = 1.0
NAMES_MAX, MADE_MAX = 1_000, 2_000


class Lifetimes:
    """Factors by name, and what was made last for each key."""

    def __init__(self) -> None:
        self._factors: OrderedDict[str, float] = OrderedDict()
        self._made: OrderedDict[Hashable, int] = OrderedDict()

    def seconds(self, name: str, wanted: float, *, checked: bool) -> float:
        """Return how long a value of this kind may live."""
        least, most = CHECKED_FACTORS if checked else UNCHECKED_FACTORS
        return wanted * max(least, min(self._factors.get(name, FIRST), most))

    def stood(self, name: str) -> None:
        """Note that nothing had changed."""
        self._set(name, min(self._factors.get(name, FIRST) + STEP, CHECKED_FACTORS[1]))

    def changed(self, name: str) -> None:
        """Note that something had changed."""
        self._set(name, max(self._factors.get(name, FIRST) / 2, UNCHECKED_FACTORS[0]))

    def made(self, name: str, key: Hashable, value: str) -> None:
        """Note what was made anew: the same as before, or something else."""
        print_ = hash(value)
        before = self._made.pop(key, None)
        self._made[key] = print_
        while len(self._made) > MADE_MAX:
            self._made.popitem(last=False)
        if before is not None:
            (self.stood if before == print_ else self.changed)(name)

    def _set(self, name: str, factor: float) -> None:
        self._factors[name] = factor
        self._factors.move_to_end(name)
        while len(self._factors) > NAMES_MAX:
            self._factors.popitem(last=False)
