"""How much each column of the experts counts in each situation.

What ships (first_weights.json) was fitted on traces of other agents; what a store learns replaces
it row by row. A row is a situation; the weights of a case are the sum of its rows.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import sqrt
from pathlib import Path

from tmws_mcp.store import weights as table
from tmws_mcp.store.driver import Connection

FIRST_WEIGHTS = Path(__file__).parent / "first_weights.json"
RATE = 0.04
"""Of a step along the slope, for the row of any case."""
RATE_OF_SITUATION = 0.6
"""Rows of particular situations move less: each has seen less."""
INERTIA = 8.0
"""Squared slope that a row begins with: the first steps must not upset what was fitted."""

Row = dict[str, float]


@cache
def first_weights() -> Mapping[str, Mapping[str, float]]:
    """Return the weights that ship: situation -> column -> weight."""
    found: Mapping[str, Mapping[str, float]] = json.loads(FIRST_WEIGHTS.read_text("utf-8"))
    return found


@dataclass(slots=True)
class Weights:
    """The weights of one namespace, as far as a transaction has needed them."""

    db: Connection
    ns: int
    first: Mapping[str, Mapping[str, float]] | None = None
    """What rows begin with; those that ship where it is None."""
    rate: float = RATE
    rows: dict[str, Row] = field(default_factory=dict)
    squares: dict[str, Row] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)

    def of(self, situations: Sequence[str]) -> Row:
        """Return the sum of the rows of these situations."""
        self._load(situations)
        total: Row = {}
        for situation in situations:
            for column, weight in self.rows[situation].items():
                total[column] = total.get(column, 0.0) + weight
        return total

    def move(self, situations: Sequence[str], slope: Mapping[str, float]) -> None:
        """Move the rows against the slope, the less the more they have moved already."""
        self._load(situations)
        for number, situation in enumerate(situations):
            rate = self.rate * (RATE_OF_SITUATION if number else 1.0)
            row, squares = self.rows[situation], self.squares[situation]
            for column, value in slope.items():
                if value:
                    square = squares.get(column, INERTIA) + value * value
                    squares[column] = square
                    row[column] = row.get(column, 0.0) - rate * value / sqrt(square)
            self.changed.add(situation)

    def save(self) -> None:
        """Write down the rows that have moved."""
        table.save(
            self.db,
            self.ns,
            [(name, self.rows[name], self.squares[name]) for name in sorted(self.changed)],
        )
        self.changed.clear()

    def _load(self, situations: Sequence[str]) -> None:
        missing = [name for name in situations if name not in self.rows]
        if not missing:
            return
        stored = table.load(self.db, self.ns, missing)
        first = first_weights() if self.first is None else self.first
        for name in missing:
            row, squares = stored.get(name, (dict(first.get(name, {})), {}))
            self.rows[name], self.squares[name] = row, squares
