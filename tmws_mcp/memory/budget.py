"""How much of what was found fits into a token budget.

Whole memories, best first. A long one that does not fit whole gives the passage that matters, so
that it neither eats the budget nor ends the answer; whoever wants the rest asks by its id. The
first is always shown, however small the budget: an answer of nothing helps nobody.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate, takewhile

from tmws_mcp.memory.passage import matches, passage
from tmws_mcp.memory.text import block
from tmws_mcp.model import Memory
from tmws_mcp.tokens import estimate_tokens

PASSAGE_TOKENS_MAX = 200
PASSAGE_TOKENS_MIN = 60
"""A shorter piece of a memory says too little to be worth its frame."""
TAGS_CHARS_MAX = 100
"""Of a memory's tags in a passage: there may be thirty-two of two hundred characters."""
CHARS_MIN = 40
SHRINK = 0.8


def fitting(memories: Sequence[Memory], asked: Iterable[str], room: int) -> list[Memory]:
    """Return the beginning of `memories` that fits into `room` tokens, long ones as passages."""
    wanted = frozenset(asked)
    shown: list[Memory] = []
    for memory in memories:
        fits = _fitted(memory, wanted, room)
        if fits is None and shown:
            break
        fits = fits or _passage(memory, wanted, max(room, 1))
        room -= estimate_tokens(block(fits))
        shown.append(fits)
    return shown


def _fitted(memory: Memory, wanted: frozenset[str], room: int) -> Memory | None:
    tokens = estimate_tokens(block(memory))
    if tokens <= room:
        return memory
    if tokens <= PASSAGE_TOKENS_MAX or room < PASSAGE_TOKENS_MIN:
        return None
    return _passage(memory, wanted, min(room, PASSAGE_TOKENS_MAX))


def _passage(memory: Memory, wanted: frozenset[str], room: int) -> Memory:
    places = matches(memory.content, wanted)
    chars = min(room * 4, len(memory.content))
    while True:
        cut = _cut(memory, passage(memory.content, places, chars))
        if estimate_tokens(block(cut)) <= room or chars <= CHARS_MIN:
            return cut
        chars = max(int(chars * SHRINK), CHARS_MIN)


def excerpt(memory: Memory, asked: Iterable[str], chars_max: int) -> Memory:
    """Return a memory with at most so many characters of its text, those that were asked for."""
    places = matches(memory.content, frozenset(asked))
    return _cut(memory, passage(memory.content, places, chars_max))


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
