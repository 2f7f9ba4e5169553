"""Examples -> weights, by kernel ridge regression, and what each example would score left out.

The score of a pattern is a sum over landmarks: how near the query is to each, times a weight. The
weights are those with which the patterns' own examples score 1, all others and the background 0,
as nearly as a penalty allows. Both are one linear system. Up to LANDMARKS_MAX examples are
landmarks themselves; beyond, an even choice of them is (subset of regressors; Silverman, 1985;
Smola and Schoelkopf, 2000), which bounds what a query costs. A last column is the score of meaning
no pattern at all: 1 for the background and for counterexamples, 0 for the examples.

The same inverse tells what an example would score had it not been there (Allen's PRESS, 1974), and
what all examples of a pattern would score had there been no such pattern: known queries to learn
from when to abstain, without training a second time.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tmws_mcp.embedding.embedder import TokenEmbedder
from tmws_mcp.embedding.rows import Floats
from tmws_mcp.patterns.semantic.features import Reader, learn_reader
from tmws_mcp.patterns.semantic.kernel import Landmarks, lay_out, nearness_of_all

LANDMARKS_MAX = 2_048
PENALTY = 0.1
JITTER = 1e-4
"""Keeps the system solvable where two examples are equal."""
BACKGROUND, COUNTEREXAMPLE = -1, -2
"""The labels of texts that mean no pattern: of queries in general, and those of an author."""
BACKGROUND_WEIGHT, COUNTEREXAMPLE_WEIGHT = 0.5, 2.0
BACKGROUND_LANDMARKS_MAX = 512
BACKGROUND_ALIKE_MAX = 0.6
"""A background text that is more like an example than this is left out: somebody does ask that."""
BLOCK = 2_048
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
class _System:
    near: Floats
    """A row of nearness to the landmarks for each example."""
    landmark: Places
    """Which landmark each example is; -1 for none."""
    columns: Labels
    """The column of the weights in which each example scores 1."""
    worth: Doubles
    """What an example counts in the fit: less in a pattern with many of them."""
    inverse: Doubles
    weights: Doubles


def train(embedder: TokenEmbedder, examples: Examples) -> Trained:
    """Return what the examples teach."""
    reader = learn_reader(embedder, examples.texts)
    kept = _kept(reader, examples)
    texts, labels = [examples.texts[place] for place in kept], examples.labels[kept]
    chosen = _choose(labels)
    landmarks = lay_out(reader, [texts[place] for place in chosen])
    near = nearness_of_all(reader, landmarks, texts)
    system = _solve(near, chosen, labels, examples.patterns)
    weights = system.weights.astype(np.float32)
    return Trained(reader, landmarks, kept[chosen], weights, _held_out(system))


def _kept(reader: Reader, examples: Examples) -> Places:
    """Return the places of all texts but the background's that are like an example."""
    own = examples.labels >= 0
    landmarks = lay_out(reader, [examples.texts[place] for place in np.flatnonzero(own)])
    keep = examples.labels != BACKGROUND
    background = np.flatnonzero(~keep)
    if len(background):
        alike = landmarks.alike(reader, [examples.texts[place] for place in background])
        keep[background] = alike.max(axis=1) <= BACKGROUND_ALIKE_MAX
    return np.flatnonzero(keep)


def _choose(labels: Labels) -> Places:
    """Return which examples become landmarks: of each pattern the first, then the second."""
    turns = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        turns[places] = np.arange(len(places))
    allowed = (labels != BACKGROUND) | (turns < BACKGROUND_LANDMARKS_MAX)
    # The background takes its turns as if it were several patterns.
    turns[labels == BACKGROUND] //= 32
    turns[labels == COUNTEREXAMPLE] = 0
    order = np.argsort(turns, kind="stable")
    return np.sort(order[allowed[order]][:LANDMARKS_MAX])


def _solve(near: Floats, chosen: Places, labels: Labels, patterns: int) -> _System:
    worth, landmark = _worth(labels), np.full(len(labels), -1)
    landmark[chosen] = np.arange(len(chosen))
    columns = np.where(labels < 0, patterns, labels).astype(np.int32)
    left: Doubles = PENALTY * near[chosen].astype(np.float64) + JITTER * np.eye(len(chosen))
    right = np.zeros((len(chosen), patterns + 1))
    for first in range(0, len(near), BLOCK):
        block = slice(first, first + BLOCK)
        # Products of single precision, sums of double: the jitter is a thousand times the error.
        weighted = near[block] * worth[block, None].astype(np.float32)
        left += weighted.T @ near[block]
        for column in np.unique(columns[block]):
            right[:, column] += weighted[columns[block] == column].sum(axis=0)
    inverse = np.linalg.inv(left).astype(np.float64, copy=False)
    return _System(near, landmark, columns, worth, inverse, inverse @ right)


def _worth(labels: Labels) -> Doubles:
    """Weigh patterns evenly to half: by the root of how many examples they have."""
    # A few examples would drown in hundreds of texts that mean nothing.
    drowns = np.sqrt(min(1.0, np.sum(labels >= 0) / max(1, np.sum(labels == BACKGROUND))))
    far = BACKGROUND_WEIGHT * drowns
    worth: Doubles = np.where(labels == BACKGROUND, far, COUNTEREXAMPLE_WEIGHT)
    own, counts = np.unique(labels[labels >= 0], return_counts=True)
    for label, count in zip(own, counts, strict=True):
        worth[labels == label] = np.sqrt(np.median(counts) / count)
    return worth


def _held_out(system: _System) -> HeldOut:
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


def _each_left_out(system: _System, places: Places) -> Doubles:
    """Return the scores of examples that are left out one at a time."""
    # One product of matrices, and not one of a vector for each: the inverse is read once.
    reach = system.near[places].astype(np.float64) @ system.inverse
    rows = [left_out(system, places[n : n + 1], reach[n : n + 1])[0] for n in range(len(places))]
    return np.stack(rows) if rows else np.empty((0, system.weights.shape[1]))


def _foreign(system: _System, group: Places) -> Doubles:
    """Return the scores that a pattern's examples would have without the pattern."""
    reach = system.near[group].astype(np.float64) @ system.inverse
    scores = left_out(system, group, reach)[:SAMPLE_OF_PATTERN_MAX]
    scores[:, system.columns[group[0]]] = -np.inf
    return scores


def left_out(system: _System, group: Places, reach: Doubles) -> Doubles:
    """Return the scores that examples would have, had none of them been there: a row for each.

    Leaving out rows of a least-squares fit is a small system of their pulls upon each other. Where
    they are landmarks, these go too: their weights are forced to 0, another small system. `reach`
    is the examples' nearness times the inverse.
    """
    near, worth = system.near[group].astype(np.float64), system.worth[group, None]
    wanted = np.zeros((len(group), system.weights.shape[1]))
    wanted[np.arange(len(group)), system.columns[group]] = 1.0
    pulls: Doubles = np.eye(len(group)) - reach @ (near * worth).T
    rest = np.linalg.inv(pulls).astype(np.float64, copy=False)
    scores: Doubles = wanted + rest @ (near @ system.weights - wanted)
    gone = system.landmark[group][system.landmark[group] >= 0]
    if len(gone):
        pulled = reach[:, gone].T * worth.T
        weights = system.weights[gone] + pulled @ (scores - wanted)
        among = system.inverse[np.ix_(gone, gone)] + pulled @ rest @ reach[:, gone]
        scores -= rest @ reach[:, gone] @ np.linalg.solve(among, weights)
    return scores
