"""How much of what was found fits into a token budget.

Whole memories, best first. A long one that does not fit whole gives the passage that matters, so
that it neither eats the budget nor ends the answer; whoever wants the rest asks by its id. The
first is always shown, however small the budget: an answer of nothing helps nobody.
"""

from collections.abc import Iterable, Sequence

from tmws_mcp.memory.passage import passage
from tmws_mcp.memory.text import block
from tmws_mcp.model import Memory
from tmws_mcp.tokens import estimate_tokens

PASSAGE_TOKENS_MAX = 200
PASSAGE_TOKENS_MIN = 60
"""A shorter piece of a memory says too little to be worth its frame."""
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
    chars = min(room * 4, len(memory.content))
    while True:
        content = passage(memory.content, wanted, chars)
        cut = memory.model_copy(update={"content": content, "passage": content != memory.content})
        if estimate_tokens(block(cut)) <= room or chars <= CHARS_MIN:
            return cut
        chars = max(int(chars * SHRINK), CHARS_MIN)


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
