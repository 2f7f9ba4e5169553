"""What the indexes hold of a memory: its own text and that of its neighbours in the thread.

A turn of a conversation is often found by what was said around it ("Yes, on Friday"), which is why
the window of context is worth more than any other signal. The price: whoever is stored, forgotten
or brought back changes what is indexed of up to six neighbours, so that everything that touches a
thread goes through `index`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tmws_mcp.memory.identifiers import without_codes
from tmws_mcp.memory.meaning import quantised
from tmws_mcp.memory.words import indexable, key_words
from tmws_mcp.store import lexical, threads, vectors
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.threads import Turn

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder

REACH = 3
"""Turns to either side whose words are indexed with a memory."""
NEIGHBOUR_CHARS_MAX = 2_000
"""What is indexed of a neighbour: it is context, and a long one would be stored seven times."""
EMBEDDED_CHARS_MAX = 8_000
"""A vector is a mean over words; what stands behind the first pages moves it no more."""


@dataclass(frozen=True, slots=True)
class Window:
    """A memory among its neighbours, nearest first."""

    turn: Turn
    before: tuple[Turn, ...]
    after: tuple[Turn, ...]


def index(db: Connection, ns: int, memories: Sequence[int], embedder: "Embedder | None") -> None:
    """Index memories anew, words and vectors."""
    windows = current_windows(db, memories)
    _index_words(db, ns, windows)
    embed(db, ns, windows, embedder)


def index_words(db: Connection, ns: int, memories: Sequence[int]) -> None:
    """Index the words of memories anew; their vectors are still right."""
    _index_words(db, ns, current_windows(db, memories))


def remove(db: Connection, ns: int, memories: Sequence[int]) -> None:
    """Take memories out of the indexes; in their neighbours' windows they stay.

    Without sqlite-vec their vectors stay too, and their rows say so until they can be deleted.
    """
    lexical.remove(db, ns, memories)
    if vectors.available(db):
        vectors.remove_everywhere(db, memories)
        vectors.mark(db, memories, None)


def current_windows(db: Connection, memories: Sequence[int]) -> list[Window]:
    """Return memories among their neighbours, those left out that are not found by themselves."""
    return [_window(db, turn) for turn in threads.turns(db, memories) if turn.current]


def _index_words(db: Connection, ns: int, windows: Sequence[Window]) -> None:
    lexical.put(db, ns, [(window.turn.id, _entry(window)) for window in windows])


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Whose indexes have something of a memory in them."""

    near: frozenset[int]
    """Who has its words in the window."""
    following: frozenset[int]
    """Whose vector has its text in it: the next turn."""


def neighbours(db: Connection, memories: Iterable[int]) -> Neighbours:
    """Return the neighbours of memories; the memories themselves are not among them."""
    own = set(memories)
    near: set[int] = set()
    following: set[int] = set()
    for turn in threads.turns(db, sorted(own)):
        window = _window(db, turn)
        near.update(other.id for other in (*window.before, *window.after))
        following.update(other.id for other in window.after[:1])
    return Neighbours(frozenset(near - own), frozenset(following - own))


def embed(db: Connection, ns: int, windows: Sequence[Window], embedder: "Embedder | None") -> int:
    """Store the vectors of memories; without a prompt embedder note that they are missing."""
    ids = [window.turn.id for window in windows]
    if embedder is None or not embedder.prompt or not vectors.available(db):
        vectors.outdate(db, ids)
        return 0
    space = vectors.ensure_space(db, embedder.id, embedder.dimensions)
    rows = quantised(embedder.encode([embedded_text(window) for window in windows]))
    vectors.remove(db, space, [key for key, row in zip(ids, rows, strict=True) if not row])
    vectors.put(db, space, ns, [(key, row) for key, row in zip(ids, rows, strict=True) if row])
    vectors.mark(db, ids, embedder.id)
    return len(ids)


def embedded_text(window: Window) -> str:
    """Return what a memory's vector is made of: what was said just before, and itself."""
    previous = [_said(turn)[:NEIGHBOUR_CHARS_MAX] for turn in window.before[:1]]
    said = "\n".join([*previous, _said(window.turn)[:EMBEDDED_CHARS_MAX]])
    return without_codes(said) or said


def _window(db: Connection, turn: Turn) -> Window:
    if turn.thread is None or turn.position is None:
        return Window(turn, (), ())
    return Window(
        turn,
        tuple(threads.before(db, turn.thread, turn.position, REACH)),
        tuple(threads.after(db, turn.thread, turn.position, REACH)),
    )


def _entry(window: Window) -> lexical.Entry:
    turn, before, after = window.turn, window.before, window.after
    return lexical.Entry(
        own=indexable(own_text(turn)),
        previous=_joined(before[:1]),
        next=_joined(after[:1]),
        wide=_joined((*before[1:], *after[1:])),
        day=day_words(turn.happened_at),
        identifiers=" ".join(key_words(f"{turn.content} {turn.labels}")),
    )


def own_text(turn: Turn) -> str:
    """Return what a memory says itself: who said it, what, and under which labels."""
    return f"{_said(turn)} {turn.labels}".strip()


def surrounding_text(window: Window) -> str:
    """Return what is said around a memory, and itself."""
    return " ".join(own_text(turn) for turn in (*window.before, window.turn, *window.after))


def _joined(turns: Sequence[Turn]) -> str:
    return " ".join(indexable(_said(turn)[:NEIGHBOUR_CHARS_MAX]) for turn in turns)


def _said(turn: Turn) -> str:
    return f"{turn.actor}: {turn.content}" if turn.actor else turn.content


def day_words(happened_at: float) -> str:
    """Return the words by which a day is asked for.

    >>> day_words(1683540960.0)
    'Monday 8 May 2023'
    """
    day = datetime.fromtimestamp(happened_at, UTC)
    return f"{day:%A} {day.day} {day:%B} {day.year}"
