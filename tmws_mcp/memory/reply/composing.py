"""From what was found to a reply: near duplicates folded, the budget filled, the rest told.

Three attempts: with everything that is known of each memory; with short heads, where that leaves
something out; and with nothing but ids and texts, where even the frame would burst the budget.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tmws_mcp.memory.call import Recall
from tmws_mcp.memory.reply import cursor
from tmws_mcp.memory.reply.budget import LISTED_DECAY, RANKED_DECAY, Terms, packed
from tmws_mcp.memory.reply.cursor import Place
from tmws_mcp.memory.reply.text import recall_text, shared
from tmws_mcp.model import Memory, RecallReply
from tmws_mcp.model.memory import Detail
from tmws_mcp.tokens import estimate_tokens

CHARS_PER_TOKEN_MAX = 20
BLOCK_TOKENS_MIN = 10
"""An id alone has nearly as many: further memories cannot be shown."""
FRAME_GROWTH_TOKENS = 6
"""What the heading says of several memories, which one alone does not show."""
SPARE_TOKENS_MIN = 12
ALSO_MAX = 8
"""Near duplicates folded into one memory; further ones are shown by themselves."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of what was found: what follows the cursor."""

    memories: Sequence[Memory]
    total: int
    """Found, without what the cursor has passed."""
    place: Place
    """Where this part begins."""
    keys: Sequence[int] = ()
    """Of the memories, where the cursor goes on by a key."""
    starts: Sequence[int] = ()
    """How many of the results stand before each memory: its index, and those folded before it."""
    folded: dict[str, int] = field(default_factory=dict)
    """The near duplicates that are not shown, and how many of the results stand before each."""


def folded(
    read: Callable[[int, int], Sequence[Memory]], limit: int, total: int, place: Place
) -> Part:
    """Return a part of `limit` memories, near duplicates of a better one folded into it.

    `read` gives so many of the results from a place on.
    """
    shown: dict[str, Memory] = {}
    starts: list[int] = []
    away: dict[str, int] = {}
    looked_at = 0
    while len(shown) < limit and (found := read(looked_at, limit - len(shown))):
        for memory in found:
            better = next((uid for uid in memory.similar_to if uid in shown), None)
            if better and len(shown[better].also) < ALSO_MAX:
                also = (*shown[better].also, memory.id)
                shown[better] = shown[better].model_copy(update={"also": also})
                away[memory.id] = looked_at
            else:
                shown[memory.id] = memory
                starts.append(looked_at)
            looked_at += 1
    return Part(tuple(shown.values()), total, place, starts=starts, folded=away)


def filled(call: Recall, part: Part, asked: Sequence[str], notes: Sequence[str]) -> RecallReply:
    """Return the reply that shows as much of a part as its budget allows."""
    budget = call.request.token_budget
    whole = _whole(call, part, notes)
    if whole is not None:
        return whole
    reply = _chosen(call, part, asked, notes, "short")
    return reply if reply.tokens <= budget else _chosen(call, part, asked, notes, "bare")


def _whole(call: Recall, part: Part, notes: Sequence[str]) -> RecallReply | None:
    """Return the reply with everything in full, if there is room for it."""
    room = call.request.token_budget
    for memory in part.memories:
        if len(memory.content) > room * CHARS_PER_TOKEN_MAX:
            return None
        room -= estimate_tokens(memory.content)
        if room < 0:
            return None
    reply = _told(call, part, part.memories, notes, "full")
    return reply if reply.tokens <= call.request.token_budget else None


def _chosen(
    call: Recall, part: Part, asked: Sequence[str], notes: Sequence[str], detail: Detail
) -> RecallReply:
    """Return the reply with what makes the most of the budget."""
    budget = call.request.token_budget
    close = part.memories[: budget // BLOCK_TOKENS_MIN + 1]
    terms = _terms(call, part, close, asked, detail)
    room = budget - _frame(call, part, notes, terms)
    kept = packed(close, terms, room)
    reply = _told(call, part, kept, notes, detail)
    spare = budget - reply.tokens
    if spare >= SPARE_TOKENS_MIN and len(kept) > 1:
        # What is shown has more in common, or the frame is shorter, than had to be feared.
        more = packed(close, terms, room + spare)
        fuller = _told(call, part, more, notes, detail)
        kept, reply = (more, fuller) if fuller.tokens <= budget else (kept, reply)
    while reply.tokens > budget and len(kept) > 1:
        kept.pop()
        reply = _told(call, part, kept, notes, detail)
    if reply.tokens > budget and kept:
        # The frame was underestimated by a token or two: the text gives way.
        kept = packed(close[:1], terms, room - (reply.tokens - budget))
        reply = _told(call, part, kept, notes, detail)
    return reply


def _terms(
    call: Recall, part: Part, close: Sequence[Memory], asked: Sequence[str], detail: Detail
) -> Terms:
    return Terms(
        asked=frozenset(asked),
        detail=detail,
        common=shared(close) if detail != "bare" else frozenset(),
        home=call.scope.namespace,
        decay=LISTED_DECAY if part.place.kind == "newest" else RANKED_DECAY,
        passed=part.place.shown,
    )


def _frame(call: Recall, part: Part, notes: Sequence[str], terms: Terms) -> int:
    """Return the tokens around the blocks, if something is left out."""
    blank = [one.model_copy(update={"content": "", "passage": True}) for one in part.memories[:2]]
    reply = _told(call, part, blank[:1], notes, terms.detail)
    return reply.tokens - sum(map(terms.cost, reply.memories)) + FRAME_GROWTH_TOKENS


def _told(
    call: Recall, part: Part, kept: Sequence[Memory], notes: Sequence[str], detail: Detail
) -> RecallReply:
    passed = _passed(part, len(kept))
    here = tuple(_with_passed(memory, part, passed) for memory in kept)
    left = max(part.total - passed, 0)
    after = _after(call, part, passed) if left and kept else None
    return reply(call, here, left, notes, after, detail=detail)


def _passed(part: Part, count: int) -> int:
    """Return how many of the results the first memories of a part stand for."""
    if count < len(part.starts):
        return part.starts[count]
    return count + len(part.folded)


def _with_passed(memory: Memory, part: Part, passed: int) -> Memory:
    """Return a memory with those near duplicates that come before the next part."""
    if not memory.also:
        return memory
    also = tuple(uid for uid in memory.also if part.folded[uid] < passed)
    return memory.model_copy(update={"also": also})


def _after(call: Recall, part: Part, passed: int) -> Place:
    number = part.keys[passed - 1] if part.place.kind == "newest" else call.generation
    return Place(part.place.kind, part.place.shown + passed, number)


def reply(
    call: Recall,
    kept: Sequence[Memory],
    omitted: int,
    notes: Sequence[str],
    place: Place | None = None,
    missing: Sequence[str] = (),
    detail: Detail = "full",
) -> RecallReply:
    """Return a reply that has counted its own tokens."""
    told = RecallReply.model_construct(
        memories=tuple(kept),
        tokens=0,
        omitted=omitted,
        cursor=cursor.written(place, call.store, call.bound) if place else None,
        tier=call.tier,
        note=" ".join(notes) or None,
        detail=detail,
        missing=tuple(missing),
        scope=call.scope,
    )
    return told.model_copy(update={"tokens": estimate_tokens(recall_text(told))})
