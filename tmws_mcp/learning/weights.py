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
INERTIA = 4.0
"""Squared slope that a row begins with: the first steps must not upset what was fitted."""
SUMS_MAX = 256
"""Sums kept of one state of the weights."""

Row = dict[str, float]


@dataclass(slots=True)
class Known:
    """The rows that a process has read of a namespace's weights; others look at them too."""

    rows: dict[str, Row] = field(default_factory=dict)
    squares: dict[str, Row] = field(default_factory=dict)
    sums: dict[tuple[str, ...], Row] = field(default_factory=dict)
    """Situations -> the sum of their rows."""


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
    inertia: float = INERTIA
    known: Known = field(default_factory=Known)
    """What was read already, at the state of the store that the transaction sees."""
    rows: dict[str, Row] = field(default_factory=dict)
    squares: dict[str, Row] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)

    def of(self, situations: Sequence[str]) -> Row:
        """Return the sum of the rows of these situations, not to be changed."""
        if self.changed:
            return self._sum(situations)
        sums, asked = self.known.sums, tuple(situations)
        if (found := sums.get(asked)) is not None:
            return found
        if len(sums) >= SUMS_MAX:
            sums.clear()
        found = sums[asked] = self._sum(situations)
        return found

    def _sum(self, situations: Sequence[str]) -> Row:
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
            row, squares = self._own(situation)
            for column, value in slope.items():
                if value:
                    square = squares.get(column, self.inertia) + value * value
                    squares[column] = square
                    row[column] = row.get(column, 0.0) - rate * value / sqrt(square)

    def save(self) -> Known:
        """Write down the rows that have moved; return what will be known when it has committed."""
        if not self.changed:
            return self.known
        moved = sorted(self.changed)
        table.save(
            self.db, self.ns, [(name, self.rows[name], self.squares[name]) for name in moved]
        )
        self.changed.clear()
        return Known(
            self.known.rows | {name: table.as_read(self.rows[name]) for name in moved},
            self.known.squares | {name: table.as_read(self.squares[name]) for name in moved},
        )

    def _own(self, situation: str) -> tuple[Row, Row]:
        """Return a row to move: until the transaction commits, others see it as it was."""
        if situation not in self.changed:
            self.changed.add(situation)
            self.rows[situation] = dict(self.rows[situation])
            self.squares[situation] = dict(self.squares[situation])
        return self.rows[situation], self.squares[situation]

    def _load(self, situations: Sequence[str]) -> None:
        missing = [name for name in situations if name not in self.rows]
        self._read([name for name in missing if name not in self.known.rows])
        for name in missing:
            self.rows[name] = self.known.rows[name]
            self.squares[name] = self.known.squares[name]

    def _read(self, situations: Sequence[str]) -> None:
        if not situations:
            return
        stored = table.load(self.db, self.ns, situations)
        first = first_weights() if self.first is None else self.first
        for name in situations:
            row, squares = stored.get(name, (dict(first.get(name, {})), {}))
            # Whoever finds the row finds its squares.
            self.known.squares[name], self.known.rows[name] = squares, row
