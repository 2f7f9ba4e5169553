"""From what was found to what is ranked: a query and its candidates as columns (pool.py).

Imports numpy: only functions import this module.
"""

import re
from collections.abc import Container, Sequence

import numpy as np
from numpy.typing import NDArray

from tmws_mcp.memory.language.words import WORD, folded, stem
from tmws_mcp.memory.search.candidates import PART_WEIGHT, Candidates, Probe, unit_rows
from tmws_mcp.memory.search.index import U8, U16, U32
from tmws_mcp.memory.search.lexical import MEMORIES_TOLD_MIN, Said, Spread, said_in_threads
from tmws_mcp.memory.search.pool import (
    NOBODY,
    REACH,
    Floats,
    Pool,
    Question,
    neighbours,
    place_keys,
)
from tmws_mcp.memory.search.said import nearest_said
from tmws_mcp.store import forward
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.forward import Indexed
from tmws_mcp.store.selection import Filter

BESIDE = 3
NO_TIME = float("nan")


def gathered(
    db: Connection, ns: int, probe: Probe, found: Candidates, chosen: Filter
) -> tuple[Question, Pool]:
    """Return a query and its candidates, with their neighbours, as columns."""
    rows, count = _rows(db, ns, probe, found, chosen)
    threads = sorted({row.thread for row in rows[:count] if row.thread is not None})
    said = said_in_threads(found.words, probe.plain, threads)
    named = frozenset(
        actor for actor in {row.actor for row in rows} if actor and _names(actor, probe.query.text)
    )
    question = _question(probe, found.words.spread, named, said)
    return question, _pool(probe, question, found, rows, count, said)


def _rows(
    db: Connection, ns: int, probe: Probe, found: Candidates, chosen: Filter
) -> tuple[list[Indexed], int]:
    """Return the rows of the candidates, then their neighbours'; and how many are the first.

    Whoever stands beside what was found is a candidate too, with neighbours of its own.
    """
    first = found.memories
    rows = forward.around(db, ns, first, BESIDE + REACH, probe.space, chosen)
    beside = _beside(rows, set(first))
    own = [row.passes and near for row, near in zip(rows, beside, strict=True)]
    candidates = [row for row, ranked in zip(rows, own, strict=True) if ranked]
    context = [row for row, ranked in zip(rows, own, strict=True) if not ranked]
    return [*candidates, *context], len(candidates)


def _beside(rows: Sequence[Indexed], first: Container[int]) -> list[bool]:
    """Tell which rows are what was found, or stand at most BESIDE places from it."""
    places = place_keys(
        np.array([NOBODY if row.thread is None else row.thread for row in rows], np.int64),
        np.array([row.position or 0 for row in rows], np.int64),
    )
    found = np.array([row.memory in first for row in rows], np.bool_)
    held = np.sort(places[found & (places >= 0)])
    since = np.searchsorted(held, places - BESIDE)
    until = np.searchsorted(held, places + BESIDE, side="right")
    beside: list[bool] = (found | ((until > since) & (places >= 0))).tolist()
    return beside


# The query


def _question(probe: Probe, spread: Spread, named: frozenset[str], said: Said) -> Question:
    held = spread.holders
    together = zip(probe.plain, probe.parts, strict=True)
    df = np.array(
        [held.get(one, 0) + max(held.get(part, 0) for part in parts) for one, parts in together],
        np.int64,
    )
    naming = {stem(word) for one in named for word in WORD.findall(folded(one))}
    of_names = np.array([one in naming for one in probe.query.stems], np.bool_)
    places = [probe.pieces.words[i] for i in _telling(probe, of_names)] if probe.pieces else []
    return Question(
        text=probe.query.text,
        df=df,
        documents=max(spread.memories, MEMORIES_TOLD_MIN),
        thread_df=said.holders,
        threads=said.threads,
        name_terms=of_names,
        piece_df=df[places],
        vector=_vectors([probe.vector], len(probe.vector) or 1)[0],
        named=named,
        spans=probe.spans,
    )


def _names(actor: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(actor)}\b", text, re.IGNORECASE) is not None


def _telling(probe: Probe, of_names: NDArray[np.bool_]) -> list[int]:
    """Return which pieces of the query are compared: the actor's name has a signal of its own."""
    assert probe.pieces is not None
    return [i for i, place in enumerate(probe.pieces.words) if not of_names[place]]


# The memories


def _pool(
    probe: Probe,
    question: Question,
    found: Candidates,
    rows: Sequence[Indexed],
    count: int,
    said: Said,
) -> Pool:
    (ids, _, thread, position, actors, chars, happened, traits, length, *_, vectors) = (
        zip(*rows, strict=True) if rows else [()] * len(Indexed._fields)
    )
    threads = np.array([NOBODY if one is None else one for one in thread], np.int64)
    positions = np.array([one or 0 for one in position], np.int64)
    of_thread = np.where(
        threads[:count] == NOBODY, -1, np.searchsorted(said.threads_asked, threads[:count])
    )
    return Pool(
        ids=np.array(ids, np.int64),
        candidates=count,
        around=neighbours(threads, positions, count),
        threads=threads,
        actors=actors,
        traits=np.array(traits, np.uint8),
        chars=np.array(chars, np.float32),
        happened_at=np.array([NO_TIME if one is None else one for one in happened]),
        keys=np.array([found.by_keys.get(one, 0.0) for one in ids], np.float32),
        vectors=_vectors([one or b"" for one in vectors], len(question.vector)),
        tf=_said_times(rows, probe),
        length=np.array(length, np.float32),
        thread_tf=said.times[of_thread],
        thread_length=said.lengths[of_thread],
        said=_said(probe, question, rows),
    )


def _vectors(packed: Sequence[bytes], dimensions: int) -> Floats:
    """Return vectors at unit length; a row of zeros where there is none of these dimensions."""
    none = bytes(dimensions)
    joined = b"".join(one if len(one) == dimensions else none for one in packed)
    return unit_rows(np.frombuffer(joined, np.int8).reshape(len(packed), dimensions))


def _said_times(rows: Sequence[Indexed], probe: Probe) -> Floats:
    """Return how often each row says each word of the query; parts of compounds count less."""
    times = _frequencies(rows, probe.plain)
    numbers = list(dict.fromkeys(part for parts in probe.parts for part in parts))
    said = _frequencies(rows, numbers)
    at = {part: column for column, part in enumerate(numbers)}
    for column, parts in enumerate(probe.parts):
        times[:, column] += PART_WEIGHT * said[:, [at[part] for part in parts]].max(axis=1)
    return times


def _frequencies(rows: Sequence[Indexed], terms: Sequence[int]) -> Floats:
    """Return how often each row says each of the terms."""
    found: Floats = np.zeros((len(rows), len(terms)), np.float32)
    if not terms:
        return found
    numbers = np.frombuffer(b"".join(row.terms for row in rows), U32)
    counts = np.frombuffer(b"".join(row.counts for row in rows), U8)
    of_row = np.repeat(np.arange(len(rows)), [len(row.counts) for row in rows])
    ordered = np.argsort(np.array(terms, np.uint32))
    asked = np.array(terms, np.uint32)[ordered]
    at = np.minimum(np.searchsorted(asked, numbers), len(asked) - 1)
    hits = np.flatnonzero(asked[at] == numbers)
    found[of_row[hits], ordered[at[hits]]] = counts[hits]
    return found


def _said(probe: Probe, question: Question, rows: Sequence[Indexed]) -> Floats:
    if probe.pieces is None:
        return np.zeros((len(rows), 0), np.float32)
    numbers = [probe.pieces.numbers[i] for i in _telling(probe, question.name_terms)]
    pieces = np.frombuffer(b"".join(row.pieces for row in rows), U16)
    ends = np.cumsum([len(row.pieces) // U16.itemsize for row in rows])
    offsets = np.concatenate([[0], ends]).astype(np.int64)
    return nearest_said(numbers, pieces, offsets, probe.pieces.directions)
