"""The weights of the experts: local to a store, one row for each situation.

Kept as JSON by the columns' names, so that a version with other experts reads what it knows of.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import repeat

from tmws_mcp.store.driver import Connection

DIGITS = 6

Row = dict[str, float]


def load(db: Connection, ns: int, situations: Sequence[str]) -> dict[str, tuple[Row, Row]]:
    """Return weights and sums of squared slopes of these situations, where they have any."""
    marks = ",".join("?" * len(situations))
    rows = db.rows(
        f"SELECT situation, weights, squares FROM blend WHERE ns = ? AND situation IN ({marks})",
        (ns, *situations),
    )
    return {name: (json.loads(weights), json.loads(squares)) for name, weights, squares in rows}


def as_read(row: Mapping[str, float]) -> Row:
    """Return the row as it would be read again after it was saved."""
    return dict(zip(row, map(round, row.values(), repeat(DIGITS)), strict=True))


def save(
    db: Connection,
    ns: int,
    rows: Iterable[tuple[str, Mapping[str, float], Mapping[str, float]]],
) -> None:
    """Write these situations' weights in place of what there was."""
    written = [(ns, name, _short(weights), _short(squares)) for name, weights, squares in rows]
    if written:
        db.run_many(
            "INSERT OR REPLACE INTO blend(ns, situation, weights, squares) VALUES (?, ?, ?, ?)",
            written,
        )


def _short(row: Mapping[str, float]) -> str:
    """Return the row as JSON; each step writes hundreds of numbers, which json takes longer for."""
    return _template(tuple(row)) % tuple(row.values())


@lru_cache(maxsize=256)
def _template(columns: tuple[str, ...]) -> str:
    named = (json.dumps(column).replace("%", "%%") for column in columns)
    return "{" + ",".join(f"{column}:%.{DIGITS}f" for column in named) + "}"
