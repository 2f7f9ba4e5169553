"""What of the memories found is shown, so that a token budget holds as much evidence as it can.

Each memory has forms: one line with the most telling piece of it, longer passages, the whole. Each
form costs tokens and has a worth: the chance that the memory answers, which falls with its rank,
times the chance that the piece holds the answer. Step by step, the budget goes to whatever gains
most worth for a token, the next memory or more of one that is shown already. So one huge memory
does not eat the budget, nor end the answer. What is shown is always a beginning of what was found,
which keeps cursors simple. The first is always shown, however small the budget: an answer of
nothing helps nobody.

Fitted to long dialogues. The chance that a result answers falls as its rank to the power of 1.3.
A turn of a dialogue cut by half keeps its answer in .57 of the cases, so that texts of that size
are shown whole; of 300 tokens, the best seventh holds .55 of the answers, the best third .77.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import accumulate, takewhile
from math import exp

from tmws_mcp.memory.reply.passage import matches, passage
from tmws_mcp.memory.reply.text import block
from tmws_mcp.model import Memory
from tmws_mcp.model.memory import Detail
from tmws_mcp.tokens import estimate_tokens

RANKED_DECAY = 1.3
LISTED_DECAY = 0.5
"""Without a query all are wanted, the newest a little more."""
WHOLE_TOKENS = 80
"""A text up to this long is shown whole, or if nothing else would be."""
PIECES_TOKENS = (24, 48, 96, 200, 400, 800)
PIECE_SHARE_MAX = 0.75
"""A passage of more than that is not worth hiding the rest."""
PIECE_STEEPNESS = 4.7
REST_TOKENS_MIN = 12
"""The last room is filled with a piece of the next memory, if it is worth its head."""
TAGS_CHARS_MAX = 100
"""Of a memory's tags in a passage: there may be thirty-two of two hundred characters."""
CHARS_MIN = 40
FORCED_CHARS_MIN = 4
"""Of the first memory, where the budget is hardly more than the frame."""
SHRINK = 0.8
MEASURED_CHARS = 2_000
"""Of a long text, to learn how many of its characters make a token."""


@dataclass(frozen=True, slots=True)
class Form:
    """A way to show a memory."""

    shown: Memory
    tokens: int
    worth: float


@dataclass(frozen=True, slots=True)
class Terms:
    """What the choice depends on."""

    asked: frozenset[str]
    detail: Detail
    common: frozenset[str]
    """Facts that the heading says."""
    home: str
    decay: float
    passed: int = 0
    """Results that earlier parts of the answer have shown."""

    def cost(self, memory: Memory) -> int:
        """Return the tokens of a memory's block and of the end of its line."""
        told = block(memory, home=self.home, detail=self.detail, common=self.common)
        return estimate_tokens(f"{told}\n")


def packed(memories: Sequence[Memory], terms: Terms, room: int) -> list[Memory]:
    """Return the beginning of `memories`, each in the form that makes the most of `room` tokens."""
    packing = _Packing(memories, terms, room)
    packing.fill()
    shown = [form.shown for form in packing.taken]
    if len(shown) < len(memories):
        shown += _piece_of_next(memories[len(shown)], terms, packing.room, forced=not shown)
    return shown


class _Packing:
    """The forms chosen so far, and the room that is left."""

    def __init__(self, memories: Sequence[Memory], terms: Terms, room: int) -> None:
        self.room = room
        self.taken: list[Form] = []
        self._memories, self._terms = memories, terms
        self._forms: list[list[Form]] = []
        self._growth: list[tuple[float, int]] = []
        """A heap of what each memory gains for a token when more of it is shown, negative."""
        self._prepare()

    def fill(self) -> None:
        """Take the best steps until none is left that has room."""
        while True:
            grown = self._best_growth()
            following = self._best(len(self.taken))
            if following and (not grown or following[0] >= grown[0]):
                self._take(following[1])
                self._prepare()
            elif grown:
                self._grow(grown[2], grown[1])
            else:
                return

    def _prepare(self) -> None:
        """Make the forms of the next memory."""
        number = len(self.taken)
        if number < len(self._memories):
            self._forms.append(_forms(self._memories[number], self._terms, number, self.room))

    def _take(self, form: Form) -> None:
        self.room -= form.tokens
        self.taken.append(form)
        self._offer(len(self.taken) - 1)

    def _grow(self, number: int, form: Form) -> None:
        heappop(self._growth)
        self.room -= form.tokens - self.taken[number].tokens
        self.taken[number] = form
        self._offer(number)

    def _offer(self, number: int) -> None:
        if best := self._best(number):
            heappush(self._growth, (-best[0], number))

    def _best_growth(self) -> tuple[float, Form, int] | None:
        """Return the best larger form of a memory that is shown: its gain, itself, which memory."""
        while self._growth:
            offered, number = self._growth[0]
            best = self._best(number)
            if best and best[0] >= -offered:
                return (*best, number)
            heappop(self._growth)  # it has no room any more, or one with less gain has
            if best:
                heappush(self._growth, (-best[0], number))
        return None

    def _best(self, number: int) -> tuple[float, Form] | None:
        """Return the form with the highest gain for a token that has room, and that gain."""
        if number >= len(self._forms):
            return None
        now = self.taken[number] if number < len(self.taken) else None
        worth, tokens = (now.worth, now.tokens) if now else (0.0, 0)
        larger = (
            ((form.worth - worth) / (form.tokens - tokens), form)
            for form in self._forms[number]
            if tokens < form.tokens <= tokens + self.room and form.worth > worth
        )
        return max(larger, key=lambda one: one[0], default=None)


def _forms(memory: Memory, terms: Terms, number: int, room: int) -> list[Form]:
    """Return the forms of a memory that could have room, the smallest first."""
    worth = 1 / (1 + terms.passed + number) ** terms.decay
    memory = memory if terms.detail == "full" else _cut(memory, memory.content)
    size = _tokens_of_text(memory.content)
    whole = Form(memory, terms.cost(memory), worth) if size <= room else None
    if size <= WHOLE_TOKENS:
        return [whole] if whole else []
    sizes = (one for one in PIECES_TOKENS if one <= min(PIECE_SHARE_MAX * size, room))
    places = matches(memory.content, terms.asked)
    pieces = [_piece(memory, places, one * len(memory.content) // size) for one in sizes]
    forms = [Form(cut, terms.cost(cut), worth * _kept(cut, memory)) for cut in pieces]
    return forms + ([whole] if whole else [])


def _kept(cut: Memory, memory: Memory) -> float:
    """Return the chance that a passage holds what the whole would answer with."""
    return 1 - exp(-PIECE_STEEPNESS * len(cut.content) / len(memory.content))


def _tokens_of_text(content: str) -> int:
    """Return about how many tokens a text has; a long one is measured by its beginning."""
    measured = content[:MEASURED_CHARS]
    return max(estimate_tokens(measured) * len(content) // max(len(measured), 1), 1)


def _piece_of_next(memory: Memory, terms: Terms, room: int, *, forced: bool) -> list[Memory]:
    """Return the piece of a memory that fills the last room, if it is worth its head."""
    size = _tokens_of_text(memory.content)
    places = matches(memory.content, terms.asked)
    head = terms.cost(memory.model_copy(update={"content": ""}))
    least = FORCED_CHARS_MIN if forced else CHARS_MIN
    chars = max((room - head) * len(memory.content) // size, least if forced else 0)
    while forced or (room - head) >= REST_TOKENS_MIN:
        cut = _piece(memory, places, chars)
        if terms.cost(cut) <= room:
            return [cut]
        if chars <= least:
            return [cut] if forced else []
        chars = max(int(chars * SHRINK), least)
    return []


def _piece(memory: Memory, places: Sequence[tuple[int, str]], chars: int) -> Memory:
    return _cut(memory, passage(memory.content, places, chars))


def excerpt(memory: Memory, asked: Iterable[str], chars_max: int) -> Memory:
    """Return a memory with at most so many characters of its text, those that were asked for."""
    return _piece(memory, matches(memory.content, frozenset(asked)), chars_max)


def _cut(memory: Memory, content: str) -> Memory:
    """Return a memory with a part of its text; only as many tags as a passage can carry."""
    ends = accumulate(map(len, memory.tags))
    kept = memory.tags[: sum(1 for _ in takewhile(lambda end: end <= TAGS_CHARS_MAX, ends))]
    whole = (content, kept) == (memory.content, memory.tags)
    return memory.model_copy(update={"content": content, "tags": kept, "passage": not whole})


def beginning(memory: Memory, skip: int, room: int) -> Memory:
    """Return a memory's text from the character `skip` on, as much of it as fits."""
    content = memory.content[skip:]
    chars = len(content)
    while True:
        part = content[:chars]
        cut = memory.model_copy(
            update={"content": part, "passage": len(part) < len(memory.content)}
        )
        if estimate_tokens(block(cut)) <= room or chars <= CHARS_MIN:
            return cut
        chars = max(int(chars * SHRINK), CHARS_MIN)
