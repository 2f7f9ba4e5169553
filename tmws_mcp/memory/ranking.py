"""Which of the candidates answers the query best?

A sum of normalised scores, not of reciprocal ranks: ranks throw away by how much the first hit was
better, which costs .08 to .28 of recall@10 on dialogue. Each signal is a function of one candidate;
`SIGNALS` names its weight, and `ranked` is the only place where they meet. A signal's share is kept
with the result, so that a rank can be explained.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

LONG_CHARS = 300
COSINE_NONE = -0.05
"""Cosine of texts that have nothing in common, in the static embedding: the zero of `meaning`."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A memory that some search found."""

    id: int
    words: float = 0.0
    """BM25 over its window of context."""
    keys: float = 0.0
    """Share of the query's identifiers that it holds."""
    cosine: float | None = None
    """Of query and memory; None where it has no vector."""
    actor: str = ""
    asks: bool = False
    chars: int = 0
    in_thread: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """What the candidates are measured by: the query, and the best among them."""

    named: frozenset[str]
    """Actors whose names the query has."""
    words_best: float
    cosine_best: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its place in the order."""

    candidate: Candidate
    sum: float
    shares: Mapping[str, float]
    """What each signal added."""


def words(candidate: Candidate, field: Field) -> float:
    """BM25 of memory and context (Robertson and Zaragoza, 2009): the strongest single signal."""
    return candidate.words / field.words_best if field.words_best > 0 else 0.0


def key(candidate: Candidate, _: Field) -> float:
    """A literal key is asked for by the letter: whoever holds it comes first."""
    return candidate.keys


def meaning(candidate: Candidate, field: Field) -> float:
    """Cosine of the embeddings of query and (previous turn, memory): finds paraphrases."""
    if candidate.cosine is None or field.cosine_best <= COSINE_NONE:
        return 0.0
    return max(candidate.cosine - COSINE_NONE, 0.0) / (field.cosine_best - COSINE_NONE)


def actor(candidate: Candidate, field: Field) -> float:
    """A query that names somebody is mostly about what that one said."""
    return 1.0 if candidate.actor in field.named else 0.0


def question(candidate: Candidate, _: Field) -> float:
    """A turn that asks repeats the words of the question and does not answer it.

    Only within a thread: a memory that stands alone may be a question with its answer.
    """
    return 1.0 if candidate.asks and candidate.in_thread else 0.0


def length(candidate: Candidate, _: Field) -> float:
    """Between equals the one that says more; BM25 prefers the shorter one by too much."""
    return min(candidate.chars, LONG_CHARS) / LONG_CHARS


SIGNALS: Mapping[str, tuple[float, Callable[[Candidate, Field], float]]] = {
    "words": (1.0, words),
    "key": (4.0, key),
    "meaning": (1.0, meaning),
    "actor": (0.4, actor),
    "question": (-0.5, question),
    "length": (0.1, length),
}
"""The weights but for `key` were tuned on dialogue; that of `key` outweighs all others together."""


def ranked(candidates: Sequence[Candidate], query: str) -> list[Ranked]:
    """Return the candidates in order, best first; among equals the newer one is first."""
    field = Field(
        named=_named({candidate.actor for candidate in candidates}, query),
        words_best=max((candidate.words for candidate in candidates), default=0.0),
        cosine_best=max((candidate.cosine or 0.0 for candidate in candidates), default=0.0),
    )
    found = [_weighed(candidate, field) for candidate in candidates]
    return sorted(found, key=lambda one: (-one.sum, -one.candidate.id))


def _named(actors: Iterable[str], query: str) -> frozenset[str]:
    return frozenset(
        one for one in actors if one and re.search(rf"\b{re.escape(one)}\b", query, re.IGNORECASE)
    )


def _weighed(candidate: Candidate, field: Field) -> Ranked:
    shares = {name: weight * of(candidate, field) for name, (weight, of) in SIGNALS.items()}
    return Ranked(candidate, sum(shares.values()), shares)
