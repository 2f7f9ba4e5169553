"""Slots as they stand after they were counted: one look for all who want to know.

The alarm looks at what this store has counted, the history at what all have, the reply to an
observation says how well it went: each with a query of its own took longer than the counting.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from tmws_mcp.store import evidence
from tmws_mcp.store.drift import Watched
from tmws_mcp.store.driver import Connection, Row
from tmws_mcp.store.evidence import SLOT, Context, Tally

SLOTS_EACH = 100
"""Read by one statement; a large batch may have changed hundreds."""
WATCHED = "n, ok, suspicion, suspect_n, suspect_ok, before_n, before_ok"
OWN = "actor = (SELECT value FROM meta WHERE key = 'actor')"


@dataclass(frozen=True, slots=True)
class Counted:
    """A slot's counts; `n` and `ok` include what was before a change."""

    tally: Tally
    epoch: int
    n: int
    ok: int
    own: Watched | None
    """What this store has counted, None where only others have."""


def read(db: Connection, ns: int, slots: Sequence[Context]) -> dict[Context, Counted]:
    """Return those of these slots that were ever counted."""
    found: dict[Context, list[Row]] = {}
    for start in range(0, len(slots), SLOTS_EACH):
        some = slots[start : start + SLOTS_EACH]
        rows = db.rows(
            f"SELECT kind, key, {OWN}, {WATCHED}, gen, {SLOT} FROM outcome WHERE ns = ? "
            f"AND (kind, key, action) IN (VALUES {','.join(['(?, ?, ?)'] * len(some))})",
            (ns, *chain.from_iterable(some)),
        )
        for row in rows:
            found.setdefault((row[0], row[1], row[11]), []).append(row)
    return {slot: _counted(rows) for slot, rows in found.items()}


def _counted(rows: Sequence[Row]) -> Counted:
    own = next((Watched(*row[3:10]) for row in rows if row[2]), None)
    return Counted(
        evidence.total(row[11:] for row in rows),
        max(row[10] for row in rows),
        sum(row[3] for row in rows),
        sum(row[4] for row in rows),
        own,
    )
