"""Examples -> weights, by kernel ridge regression, and what each example would score left out.

The score of a pattern is a sum over landmarks: how near the query is to each, times a weight. The
landmarks are the examples, and the weights are those with which the patterns' own examples score 1,
all others and the background 0, as nearly as a penalty allows: one linear system. A last column is
the score of meaning no pattern at all: 1 for the background and for counterexamples, 0 for the
examples.

The inverse of the system also tells what an example would score had it not been there (Allen's
PRESS, 1974), and what all examples of a pattern would score had there been no such pattern: known
queries to learn from when to abstain, without training a second time.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tmws_mcp.embedding.embedder import TokenEmbedder
from tmws_mcp.embedding.rows import Floats
from tmws_mcp.patterns.semantic.features import Reader, learn_reader
from tmws_mcp.patterns.semantic.inverse import inverse_of
from tmws_mcp.patterns.semantic.kernel import Landmarks, lay_out, nearness

LANDMARKS_MAX = 4_608
"""Examples that are learned of: the time to learn them grows with their third power."""
WEIGHTS_MAX = 2 << 20
"""Landmarks times patterns: what a query costs. A thousand patterns have 2,095 landmarks."""
PENALTY = 0.05
BACKGROUND, COUNTEREXAMPLE = -1, -2
"""The labels of texts that mean no pattern: of queries in general, and those of an author."""
BACKGROUND_WEIGHT, COUNTEREXAMPLE_WEIGHT = 0.5, 2.0
BACKGROUND_SHARE_MAX = 1 / 3
"""Of the landmarks, where there are too many texts; and it takes its turns as if it were several
patterns of BACKGROUND_GROUP texts."""
BACKGROUND_GROUP = 32
BACKGROUND_ALIKE_MAX = 0.6
"""A background text that is more like an example than this is left out: somebody does ask that."""
SAMPLE_MAX = 2_000
"""Examples of which a held-out score is taken."""
SAMPLE_OF_PATTERN_MAX = 10
"""Those of one pattern: they are like each other, and fifty tell little more than ten."""

Labels = NDArray[np.int32]
Doubles = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Examples:
    """Texts with the number of their pattern, or one below 0."""

    texts: tuple[str, ...]
    labels: Labels
    patterns: int


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Scores that texts have of a model which did not see them: a row for each text."""

    known: Doubles
    """Of examples left out alone, of patterns with more than one."""
    meant: Places
    """The column of the pattern that each of them means."""
    near: Doubles
    """Of examples left out together with their whole pattern; its own column has none."""
    far: Doubles
    """Of the background and the counterexamples, left out one at a time."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a model is made of."""

    reader: Reader
    landmarks: Landmarks
    chosen: Places
    """Which example each landmark is."""
    weights: Floats
    """One row for each landmark, a column for each pattern, and the last for none of them."""
    held_out: HeldOut


@dataclass(frozen=True, slots=True)
class System:
    """The solved system: a row for each landmark."""

    columns: Labels
    """The column of the weights in which each example scores 1."""
    inverse: Floats
    weights: Floats


def train(embedder: TokenEmbedder, examples: Examples) -> Trained:
    """Return what the examples teach."""
    chosen = choose(examples.labels, examples.patterns)
    labels = examples.labels[chosen]
    texts = [examples.texts[place] for place in chosen]
    reader = learn_reader(embedder, texts)
    read = reader.read(texts)
    similar = lay_out(read, len(reader.keys)).alike(read)
    kept = _kept(similar, labels)
    system = solve(nearness(similar[np.ix_(kept, kept)]), labels[kept], examples.patterns)
    landmarks = lay_out(read.take(kept), len(reader.keys))
    return Trained(reader, landmarks, chosen[kept], system.weights, _held_out(system))


def choose(labels: Labels, patterns: int) -> Places:
    """Return which examples become landmarks: of each pattern the first, then the second."""
    count = min(LANDMARKS_MAX, WEIGHTS_MAX // (patterns + 1))
    if len(labels) <= count:
        return np.arange(len(labels))
    turns = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        turns[places] = np.arange(len(places))
    allowed = (labels != BACKGROUND) | (turns < BACKGROUND_SHARE_MAX * count)
    turns[labels == BACKGROUND] //= BACKGROUND_GROUP
    turns[labels == COUNTEREXAMPLE] = 0
    order = np.argsort(turns, kind="stable")
    return np.sort(order[allowed[order]][:count])


def solve(near: Floats, labels: Labels, patterns: int) -> System:
    """Return the weights; `near` is how near each landmark is to each."""
    columns = np.where(labels < 0, patterns, labels).astype(np.int32)
    wanted = np.zeros((len(labels), patterns + 1), np.float32)
    wanted[np.arange(len(labels)), columns] = 1
    inverse = inverse_of(near + np.diag(PENALTY / _worth(labels)).astype(np.float32))
    return System(columns, inverse, inverse @ wanted)


def left_out(system: System, group: Places) -> Doubles:
    """Return the scores that examples would have, had none of them been there: a row for each."""
    wanted = np.zeros((len(group), system.weights.shape[1]))
    wanted[np.arange(len(group)), system.columns[group]] = 1.0
    pulls = system.inverse[np.ix_(group, group)].astype(np.float64)
    scores: Doubles = wanted - np.linalg.solve(pulls, system.weights[group].astype(np.float64))
    return scores


def _kept(similar: Floats, labels: Labels) -> Places:
    """Return the places of all texts but the background's that are like an example."""
    keep, own = labels != BACKGROUND, labels >= 0
    if own.any() and not keep.all():
        keep[~keep] = similar[np.ix_(~keep, own)].max(axis=1) <= BACKGROUND_ALIKE_MAX
    return np.flatnonzero(keep)


def _worth(labels: Labels) -> Doubles:
    """Return what each example counts: patterns are weighed evenly to half."""
    # A few examples would drown in hundreds of texts that mean nothing.
    drowns = np.sqrt(min(1.0, np.sum(labels >= 0) / max(1, np.sum(labels == BACKGROUND))))
    far = BACKGROUND_WEIGHT * drowns
    worth: Doubles = np.where(labels == BACKGROUND, far, COUNTEREXAMPLE_WEIGHT)
    own, counts = np.unique(labels[labels >= 0], return_counts=True)
    for label, count in zip(own, counts, strict=True):
        worth[labels == label] = np.sqrt(np.median(counts) / count)
    return worth


def _held_out(system: System) -> HeldOut:
    none = system.weights.shape[1] - 1
    groups = [np.flatnonzero(system.columns == column) for column in range(none)]
    groups = [group for group in groups if len(group)]
    step = -(-sum(min(len(g), SAMPLE_OF_PATTERN_MAX) for g in groups) // SAMPLE_MAX)
    sampled = groups[::step]
    several = _joined(g[:SAMPLE_OF_PATTERN_MAX] for g in sampled if len(g) > 1)
    near = [_foreign(system, group) for group in sampled] if len(groups) > 1 else []
    return HeldOut(
        known=_each_left_out(system, several),
        meant=system.columns[several].astype(np.intp),
        near=np.concatenate([np.empty((0, none + 1)), *near]),
        far=_each_left_out(system, np.flatnonzero(system.columns == none)),
    )


def _joined(groups: Iterable[Places]) -> Places:
    return np.concatenate([np.empty(0, np.intp), *groups])


def _each_left_out(system: System, places: Places) -> Doubles:
    """Return the scores of examples that are left out one at a time."""
    own = np.diagonal(system.inverse)[places, None].astype(np.float64)
    scores: Doubles = -system.weights[places] / own
    scores[np.arange(len(places)), system.columns[places]] += 1.0
    return scores


def _foreign(system: System, group: Places) -> Doubles:
    """Return the scores that a pattern's examples would have without the pattern."""
    scores = left_out(system, group)[:SAMPLE_OF_PATTERN_MAX]
    scores[:, system.columns[group[0]]] = -np.inf
    return scores
