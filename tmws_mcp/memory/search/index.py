"""The index of words: what is stored, erased or merged in it.

Each memory is indexed by itself; who stands beside it in its thread is joined when it is read. So
an append, a forgetting or a new version changes nothing but the memory's own row, and what is
forgotten can be filtered out by the row it has in `memory`, in the same snapshot.

Memories are collected in a tail; a full tail becomes a segment of level 0, and MERGED segments of a
level become one of the next (a log-structured merge, as in Lucene). A merge of large segments runs
in slices of words: the new segment is hidden until it is whole.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate, groupby

import numpy as np
from numpy.typing import NDArray

from tmws_mcp.memory.language.pieces import pieces_of_text
from tmws_mcp.memory.language.terms import terms, together
from tmws_mcp.memory.language.traits import traits
from tmws_mcp.memory.search.meaning import embedded_text
from tmws_mcp.memory.upkeep.near import fingerprint
from tmws_mcp.store import fingerprints, forward, memories, segments, threads
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.segments import MERGED, SIZE_MAX, Posting
from tmws_mcp.store.threads import Turn

TAIL_MAX = 256
"""Memories that every search reads one by one; more of them would cost it more than a segment."""
LEVEL_MAX = 2
"""Segments of the last level hold up to TAIL_MAX * MERGED^2 memories, and are not merged."""
HIDDEN = -1
"""The level of a segment that is being made."""
SLICES = 16
"""Parts of a large merge: each holds the write lock for a few tens of milliseconds."""
TERM_NUMBERS = 2**32

U8, U16, U32, I64 = np.dtype("u1"), np.dtype("<u2"), np.dtype("<u4"), np.dtype("<i8")


def again(db: Connection, ns: int, keys: Sequence[int]) -> None:
    """Index memories anew, since what they are found by has changed."""
    remove(db, ns, keys)
    add(db, ns, threads.turns(db, keys))


def add(db: Connection, ns: int, turns: Sequence[Turn]) -> None:
    """Index memories of a namespace that are not indexed."""
    entries = [_entry(turn) for turn in turns]
    bands = {turn.id: fingerprint(terms(turn.content).numbers) for turn in turns}
    fingerprints.put(db, ns, bands)
    forward.put(db, ns, entries)
    totals = segments.add_to_totals(
        db,
        ns,
        memories=len(entries),
        words=sum(entry.length for entry in entries),
        tail=len(entries),
    )
    if totals.tail >= TAIL_MAX:
        flush(db, ns)


def _entry(turn: Turn) -> forward.Entry:
    """Return what a memory is found by: what it says, who said it, and its labels."""
    found = together(terms(turn.content), terms(f"{turn.actor} {turn.labels}"))
    return forward.Entry(
        memory=turn.id,
        traits=int(traits(turn.content)),
        length=found.length,
        terms=found.numbers,
        counts=found.counts,
        pieces=pieces_of_text(embedded_text(turn)),
    )


def flush(db: Connection, ns: int) -> None:
    """Make segments of a namespace's tail."""
    tail = forward.tail(db, ns)
    for begin in range(0, len(tail), TAIL_MAX * MERGED):
        part = tail[begin : begin + TAIL_MAX * MERGED]
        _insert_segment(db, ns, part)
        forward.leave_tail(db, ns, [one.memory for one in part])
    segments.add_to_totals(db, ns, memories=0, words=0, tail=-len(tail))


def _insert_segment(db: Connection, ns: int, part: Sequence[forward.Tail]) -> None:
    level = 0 if len(part) < TAIL_MAX * MERGED else 1
    segment = segments.insert(
        db,
        ns,
        level,
        np.array([one.memory for one in part], I64).tobytes(),
        np.array([one.length for one in part], U16).tobytes(),
        np.array([one.thread for one in part], U32).tobytes(),
    )
    segments.insert_postings(db, _inverted(segment, part))


def _inverted(segment: int, part: Sequence[forward.Tail]) -> Iterable[Posting]:
    """Turn rows of memories with their words into rows of words with their memories."""
    numbers = np.frombuffer(b"".join(one.terms for one in part), U32)
    counts = np.frombuffer(b"".join(one.counts for one in part), U8)
    sizes = [len(one.counts) for one in part]
    places = np.repeat(np.arange(len(part), dtype=U16), sizes)
    order = np.argsort(numbers, kind="stable")  # stable: places stay ascending within a word
    numbers, counts, places = numbers[order], counts[order], places[order]
    begins = np.flatnonzero(np.diff(numbers, prepend=-1 if len(numbers) else 0))
    for begin, end in zip(begins, [*begins[1:], len(numbers)], strict=True):
        word = slice(begin, end)
        yield Posting(segment, int(numbers[begin]), places[word].tobytes(), counts[word].tobytes())


# Taking memories out


def remove(db: Connection, ns: int, keys: Sequence[int]) -> None:
    """Take memories out of the index for good: their words are found nowhere any more."""
    entries = {entry.memory: entry for entry in forward.entries(db, keys)}
    waiting = {one.memory for one in forward.tail(db, ns)}
    settled = [entry for entry in entries.values() if entry.memory not in waiting]
    if settled:
        # A segment that is being made has copies of their words.
        segments.delete(db, segments.keys_at_level(db, ns, HIDDEN))
        for segment, held in segments.with_memories(db, ns):
            _erase(db, segment, np.frombuffer(held, I64), settled)
    for text in memories.texts(db, list(entries)):
        fingerprints.remove(db, ns, text.id, fingerprint(terms(text.content).numbers))
    forward.remove(db, list(entries))
    segments.add_to_totals(
        db,
        ns,
        memories=-len(entries),
        words=-sum(entry.length for entry in entries.values()),
        tail=-len(waiting & entries.keys()),
    )


def _erase(
    db: Connection, segment: int, held: NDArray[np.int64], entries: Sequence[forward.Entry]
) -> None:
    places = np.flatnonzero(np.isin(held, [entry.memory for entry in entries]))
    if not len(places):
        return
    gone = set(held[places].tolist())
    numbers = {
        int(one)
        for entry in entries
        if entry.memory in gone
        for one in np.frombuffer(entry.terms, U32)
    }
    found = segments.read(db, segment, sorted(numbers))
    segments.replace(db, [_without(posting, places) for posting in found])
    kept = held.copy()
    kept[places] = 0
    segments.set_memories(db, segment, kept.tobytes())


def _without(posting: Posting, gone: NDArray[np.intp]) -> Posting:
    places = np.frombuffer(posting.places, U16)
    kept = ~np.isin(places, gone)
    counts = np.frombuffer(posting.counts, U8)[kept]
    return Posting(posting.segment, posting.term, places[kept].tobytes(), counts.tobytes())


# Merging


def mergeable(db: Connection, ns: int) -> tuple[int, ...]:
    """Return the segments that should become one, or nothing."""
    for level in range(LEVEL_MAX):
        found = [one for one in segments.sizes(db, ns) if one.level == level]
        if len(found) >= MERGED:
            ends = accumulate(one.size for one in found[:MERGED])
            fitting = [one.id for one, end in zip(found, ends, strict=False) if end <= SIZE_MAX]
            return tuple(fitting) if len(fitting) > 1 else ()
    return ()


def begin_merge(db: Connection, ns: int) -> tuple[int, tuple[int, ...]] | None:
    """Make the hidden segment that others will be merged into; return it with those others."""
    segments.delete(db, segments.keys_at_level(db, ns, HIDDEN))
    keys = mergeable(db, ns)
    if not keys:
        return None
    parts = [one for one in segments.of_namespace(db, ns) if one.id in keys]
    merged = segments.insert(
        db,
        ns,
        HIDDEN,
        b"".join(part.memories for part in parts),
        b"".join(part.lengths for part in parts),
        b"".join(part.threads for part in parts),
    )
    return merged, keys


def merge_slice(db: Connection, ns: int, merged: int, keys: Sequence[int], number: int) -> bool:
    """Merge one of SLICES parts of the words; False where the merge was overtaken by an erasing."""
    if merged not in segments.keys_at_level(db, ns, HIDDEN):
        return False
    begins = dict(zip(keys, _begins(db, ns, keys), strict=True))
    width = TERM_NUMBERS // SLICES
    found = segments.postings_of(db, keys, number * width - 1, width)
    by_term = groupby(found, key=lambda posting: posting.term)
    segments.insert_postings(
        db, (_joined(merged, term, list(group), begins) for term, group in by_term)
    )
    return True


def _begins(db: Connection, ns: int, keys: Sequence[int]) -> list[int]:
    sizes = {one.id: one.size for one in segments.sizes(db, ns)}
    ends = np.cumsum([sizes[key] for key in keys])
    return [0, *ends[:-1].tolist()]


def _joined(merged: int, term: int, parts: Sequence[Posting], begins: dict[int, int]) -> Posting:
    places = [
        np.frombuffer(part.places, U16) + U16.type(begins[part.segment])
        for part in sorted(parts, key=lambda part: begins[part.segment])
    ]
    counts = b"".join(part.counts for part in sorted(parts, key=lambda p: begins[p.segment]))
    return Posting(merged, term, np.concatenate(places).astype(U16).tobytes(), counts)


def end_merge(db: Connection, ns: int, merged: int, keys: Sequence[int]) -> bool:
    """Let the merged segment take the place of its parts."""
    if merged not in segments.keys_at_level(db, ns, HIDDEN):
        return False
    levels = {one.id: one.level for one in segments.sizes(db, ns)}
    segments.show(db, merged, max(levels[key] for key in keys) + 1)
    segments.delete(db, keys)
    return True


# Filling up what is not indexed yet


def fill(db: Connection, limit: int) -> int:
    """Index the next memories that wait for it; return how many were looked at."""
    due = forward.backlog(db, limit)
    forward.shorten_backlog(db, due[-1][1] if len(due) == limit else None)
    known = {entry.memory for entry in forward.entries(db, [memory for _, memory in due])}
    wanted: dict[int, list[int]] = {}
    for ns, memory in due:
        if memory not in known:
            wanted.setdefault(ns, []).append(memory)
    for ns, members in wanted.items():
        add(db, ns, threads.turns(db, members))
    return len(due)
