"""Does the score tell a question that the store can answer from one that it cannot?

The latter are taken from other conversations: questions about other people's lives, with the names
of those two who are asked about put in, so that no name gives them away.
"""

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise

from benchmarks.retrieval.conversations import Conversation
from benchmarks.retrieval.ours import Ours

STRANGERS_EVERY = 3
"""Every third question of the next conversation is asked."""
BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
FOUND_WITHIN = 10


@dataclass(frozen=True)
class Judged:
    """A question's best score."""

    answerable: bool
    score: float
    """0 where the answer is empty."""


async def judged(store: Ours, conversations: Sequence[Conversation]) -> list[Judged]:
    """Return the scores of questions about each conversation, and of strangers put to it."""
    found: list[Judged] = []
    following = [*conversations[1:], conversations[0]]
    for conversation, other in zip(conversations, following, strict=True):
        known = [question.text for question in conversation.questions]
        unknown = strangers(conversation, other) if other is not conversation else []
        asked = [*((text, True) for text in known), *((text, False) for text in unknown)]
        found += [Judged(of, await store.best(conversation.id, text)) for text, of in asked]
    return found


def strangers(conversation: Conversation, other: Conversation) -> list[str]:
    """Return questions about another conversation as if they were about this one's people."""
    names = dict(zip(_speakers(other), cycle(_speakers(conversation)), strict=False))
    return [_renamed(one.text, names) for one in other.questions[::STRANGERS_EVERY]]


def _speakers(conversation: Conversation) -> list[str]:
    return sorted({turn.speaker for turn in conversation.turns})


def _renamed(text: str, names: dict[str, str]) -> str:
    return re.sub("|".join(map(re.escape, names)), lambda found: names[found[0]], text)


def reliability(found: Sequence[Judged]) -> dict[str, dict[str, dict[str, float]]]:
    """Return what the score is worth, and how often it keeps what it promises."""
    return {
        "the best score of an answer": {
            "tmws_mcp": {
                "AUROC": auroc(found),
                "emptied, answerable": _emptied(found, answerable=True),
                "emptied, stranger": _emptied(found, answerable=False),
            }
        },
        "answers by their score": {
            f"{low:.1f}-{high:.1f}": {"n": len(of)} | _kept(of)
            for low, high in pairwise(BINS)
            if (of := [one for one in found if low < one.score <= high])
        },
    }


def auroc(found: Sequence[Judged]) -> float:
    """Return how often an answerable question scores higher than a stranger."""
    ours = [one.score for one in found if one.answerable]
    theirs = [one.score for one in found if not one.answerable]
    if not ours or not theirs:
        return float("nan")
    return statistics.fmean(1.0 if a > b else 0.5 if a == b else 0.0 for a in ours for b in theirs)


def _emptied(found: Sequence[Judged], *, answerable: bool) -> float:
    of = [one for one in found if one.answerable is answerable]
    return sum(not one.score for one in of) / len(of) if of else float("nan")


def _kept(found: Sequence[Judged]) -> dict[str, float]:
    """Return the mean score and the share of questions that can be answered, weighed alike."""
    return {
        "mean score": statistics.fmean(one.score for one in found),
        "answerable": sum(one.answerable for one in found) / len(found),
    }
