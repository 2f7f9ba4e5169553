"""What an order of turns is worth for a question, and for many questions together."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.retrieval.conversations import Conversation, Question

CUTS = (1, 5, 10)
NDCG_CUT = 10
SESSIONS_CUT = 5
BUDGETS_TOKENS = (500, 1_000)
MULTI_HOP = 1


@dataclass(frozen=True)
class Outcome:
    """How one question went."""

    category: int
    recall: tuple[float, ...]
    """Share of the evidence among the first turns, for each of CUTS."""
    ndcg: float
    reciprocal_rank: float
    """Of the first turn with evidence."""
    sessions: float
    """Share of the sessions with evidence among the first sessions, by their first turns."""
    spent: tuple[float, ...]
    """Tokens up to and with each turn with evidence, if turns are read in order; infinite where it
    is not found."""
    ms: float

    def within(self, budget: float) -> float:
        """Return the share of the evidence that is read within so many tokens."""
        return sum(tokens <= budget for tokens in self.spent) / len(self.spent)


def outcome(
    conversation: Conversation, question: Question, ranked: Sequence[str], ms: float = 0.0
) -> Outcome:
    """Judge turns in the order in which a system gives them."""
    order = list(dict.fromkeys(ranked))
    at = [place for place, turn in enumerate(order) if turn in question.evidence]
    asked = len(question.evidence)
    ideal = sum(_gain(place) for place in range(min(asked, NDCG_CUT)))
    return Outcome(
        category=question.category,
        recall=tuple(sum(place < cut for place in at) / asked for cut in CUTS),
        ndcg=sum(_gain(place) for place in at if place < NDCG_CUT) / ideal,
        reciprocal_rank=1 / (at[0] + 1) if at else 0.0,
        sessions=_sessions(conversation, question, order),
        spent=_spent(conversation, question, order),
        ms=ms,
    )


def _gain(place: int) -> float:
    return 1 / math.log2(place + 2)


def _sessions(conversation: Conversation, question: Question, order: Sequence[str]) -> float:
    session_of = {turn.id: turn.session for turn in conversation.turns}
    first = list(dict.fromkeys(session_of[turn] for turn in order))[:SESSIONS_CUT]
    wanted = {session_of[turn] for turn in question.evidence}
    return len(wanted & set(first)) / len(wanted)


def _spent(
    conversation: Conversation, question: Question, order: Sequence[str]
) -> tuple[float, ...]:
    tokens_of = {turn.id: turn.tokens for turn in conversation.turns}
    total, found = 0, list[float]()
    for turn in order:
        total += tokens_of[turn]
        if turn in question.evidence:
            found.append(total)
    return (*found, *[math.inf] * (len(question.evidence) - len(found)))


def tokens_for(outcomes: Sequence[Outcome], share: float) -> float:
    """Return the least budget within which this share of the evidence is read, over all."""
    spent = sorted((tokens, 1 / len(one.spent)) for one in outcomes for tokens in one.spent)
    wanted = share * len(outcomes) - 1e-9
    read = 0.0
    for tokens, part in spent:
        read += part
        if read >= wanted:
            return tokens
    return math.inf


def summary(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return the means over questions by their names, in the order in which they are shown."""
    hops = [one for one in outcomes if one.category == MULTI_HOP]
    figures = {
        f"recall@{cut}": statistics.fmean(one.recall[place] for one in outcomes)
        for place, cut in enumerate(CUTS)
    }
    figures |= {
        "nDCG@10": statistics.fmean(one.ndcg for one in outcomes),
        "MRR": statistics.fmean(one.reciprocal_rank for one in outcomes),
        "session@5": statistics.fmean(one.sessions for one in outcomes),
    }
    figures |= {
        f"in {budget}": statistics.fmean(one.within(budget) for one in outcomes)
        for budget in BUDGETS_TOKENS
    }
    return figures | {
        "80 %": tokens_for(outcomes, 0.8),
        "90 %": tokens_for(outcomes, 0.9),
        "multi-hop@10": statistics.fmean(one.recall[-1] for one in hops) if hops else math.nan,
        "ms": statistics.median(one.ms for one in outcomes),
    }
