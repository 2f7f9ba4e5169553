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

from tmws_mcp.memory.language.dates import Span

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

REACH = 3
"""How many memories before and after one are its context."""
PLACES = tuple(range(-REACH, REACH + 1))
THREAD_BITS = 31
"""Of a place's number; its thread's number stands above them."""
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
    """How much of the query's identifiers the candidate holds."""
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


def place_keys(threads: Ints, positions: Ints) -> Ints:
    """Return one number for each place, so that places of a thread follow one another.

    A memory that stands alone has a negative one. Threads are further apart than any reach.
    """
    keys: Ints = (threads << THREAD_BITS) + positions + (1 << (THREAD_BITS - 1))
    return np.where(threads == NOBODY, NOBODY, keys)


def neighbours(threads: Ints, positions: Ints, candidates: int) -> Ints:
    """Return `around`: for each of PLACES and each candidate the row that stands there.

    Positions that are missing, since a memory was forgotten, stay empty.
    """
    places = place_keys(threads, positions)
    order = np.argsort(places)
    wanted = places[None, :candidates] + np.array(PLACES, np.int64)[:, None]
    at = np.minimum(np.searchsorted(places, wanted, sorter=order), max(len(places) - 1, 0))
    found = order[at] if len(places) else at
    there = (places[found] == wanted) & (threads[:candidates] != NOBODY)
    rows: Ints = np.where(there, found, NOBODY)
    rows[REACH] = np.arange(candidates)
    return rows


def gathered(column: Floats, pool: Pool, weights: Sequence[float]) -> Floats:
    """Return for each candidate the weighed sum of a column over its context."""
    padded = np.concatenate([column, np.zeros((1, *column.shape[1:]), np.float32)])
    total: Floats = np.zeros((pool.candidates, *column.shape[1:]), np.float32)
    for rows, weight in zip(pool.around, weights, strict=True):
        total += np.float32(weight) * padded[rows]
    return total
