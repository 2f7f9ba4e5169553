"""What is ranked: a query, and the memories that might answer it, as columns.

Ranking is arithmetic on whole columns, so that a query costs milliseconds: one row for each
candidate, and behind them the rows of their neighbours in the thread, which are there as context
and are ranked only if they are candidates themselves. Everything in here comes from the memories'
own rows, or from statistics of the namespace; nothing depends on another namespace.

Imports numpy: only functions import this module.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tmws_mcp.memory.dates import Span

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

REACH = 3
"""How many memories before and after one are its context."""
PLACES = tuple(range(-REACH, REACH + 1))
NOBODY = -1
"""The thread of a memory that stands alone, and the neighbour where there is none."""


@dataclass(frozen=True, slots=True)
class Question:
    """A query, with what the namespace knows of its words."""

    text: str
    df: Ints
    """In how many memories each term occurs, by their own text."""
    documents: int
    """Memories in the namespace."""
    thread_df: Ints
    """In how many threads each term occurs."""
    threads: int
    name_terms: Flags
    """Which terms are names of actors: the signal `actor` has them, the words need not."""
    piece_df: Ints
    """In how many memories each of the query's pieces occurs; without pieces of actors' names."""
    vector: Floats
    """Unit length, or zero where the query has no words that the embedder knows."""
    named: frozenset[str] = frozenset()
    """Actors whose names the query has, as the pool spells them."""
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Pool:
    """Candidates and, behind them, their neighbours; a row is a memory."""

    ids: Ints
    candidates: int
    """The first so many rows are ranked; the rest is context."""
    around: Ints
    """For each of PLACES and each candidate the row of that neighbour, or NOBODY."""
    threads: Ints
    """Of each row; NOBODY where it stands alone."""
    actors: tuple[str, ...]
    traits: NDArray[np.uint8]
    """Bits of traits.py, for each row."""
    chars: Floats
    happened_at: NDArray[np.float64]
    """Seconds; NaN where it is not known when it happened."""
    keys: Floats
    """Which share of the query's identifiers the candidate holds."""
    vectors: Floats
    """Of the own text, unit length; a zero row where there is none."""
    tf: Floats
    """How often each term occurs in the own text, with the actor's name and the labels."""
    length: Floats
    """Terms of the own text."""
    thread_tf: Floats
    """For each candidate: how often each term occurs in its thread."""
    thread_length: Floats
    said: Floats
    """For each row and each of the query's pieces: the nearest piece that the row has (said.py)."""


def neighbours(threads: Ints, positions: Ints, candidates: int) -> Ints:
    """Return `around`: for each of PLACES and each candidate the row that stands there.

    Positions that are missing, since a memory was forgotten, stay empty.
    """
    at = {
        (thread, position): row
        for row, (thread, position) in enumerate(
            zip(threads.tolist(), positions.tolist(), strict=True)
        )
        if thread != NOBODY
    }
    places = list(zip(threads[:candidates].tolist(), positions[:candidates].tolist(), strict=True))
    found = [[at.get((thread, p + place), NOBODY) for thread, p in places] for place in PLACES]
    rows = np.array(found, np.int64).reshape(len(PLACES), candidates)
    rows[REACH] = np.arange(candidates)
    return rows


def gathered(column: Floats, pool: Pool, weights: Sequence[float]) -> Floats:
    """Return for each candidate the weighed sum of a column over its context."""
    padded = np.concatenate([column, np.zeros((1, *column.shape[1:]), np.float32)])
    total: Floats = np.zeros((pool.candidates, *column.shape[1:]), np.float32)
    for rows, weight in zip(pool.around, weights, strict=True):
        total += np.float32(weight) * padded[rows]
    return total
