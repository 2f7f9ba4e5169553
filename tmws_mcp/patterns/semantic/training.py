"""Examples -> weights, by kernel ridge regression, and what each example would score left out.

The score of a pattern is a sum over landmarks: how near the query is to each, times a weight. The
weights are those with which the patterns' own examples score 1, all others and the background 0,
as nearly as a penalty allows. Both are one linear system. Up to LANDMARKS_MAX examples are
landmarks themselves; beyond, an even choice of them is (subset of regressors; Silverman, 1985;
Smola and Schoelkopf, 2000), which bounds what a query costs.

The same inverse tells what an example would score had it not been there (Allen's PRESS, 1974), and
what all examples of a pattern would score had there been no such pattern: known queries to learn
from when to abstain, without training a second time.
"""

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
    """Scores that examples have of a model which did not see them."""

    known: Doubles
    """The highest score of each example left out alone, of patterns with more than one."""
    right: NDArray[np.bool_]
    """Whether that was the score of its own pattern."""
    near: Doubles
    """The highest of each example left out together with its whole pattern."""
    far: Doubles
    """The highest of each background text."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a model is made of."""

    reader: Reader
    landmarks: Landmarks
    chosen: Places
    """Which example each landmark is."""
    weights: Floats
    """One row for each landmark, one column for each pattern."""
    held_out: HeldOut


@dataclass(frozen=True, slots=True)
class _System:
    near: Floats
    """A row of nearness to the landmarks for each example."""
    landmark: Places
    """Which landmark each example is; -1 for none."""
    labels: Labels
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
    for place in np.flatnonzero(~keep):
        text = examples.texts[place]
        alike = landmarks.alike(reader, text, reader.vectors([text])[0])
        keep[place] = alike.max() <= BACKGROUND_ALIKE_MAX
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
    left: Doubles = PENALTY * near[chosen].astype(np.float64) + JITTER * np.eye(len(chosen))
    right = np.zeros((len(chosen), patterns))
    for first in range(0, len(near), BLOCK):
        block = slice(first, first + BLOCK)
        # Products of single precision, sums of double: the jitter is a thousand times the error.
        weighted = near[block] * worth[block, None].astype(np.float32)
        left += weighted.T @ near[block]
        for label in np.unique(labels[block]):
            if label >= 0:
                right[:, label] += weighted[labels[block] == label].sum(axis=0)
    inverse = np.linalg.inv(left).astype(np.float64, copy=False)
    return _System(near, landmark, labels, worth, inverse, inverse @ right)


def _worth(labels: Labels) -> Doubles:
    """Weigh patterns evenly to half: by the root of how many examples they have."""
    worth: Doubles = np.where(labels == BACKGROUND, BACKGROUND_WEIGHT, COUNTEREXAMPLE_WEIGHT)
    own, counts = np.unique(labels[labels >= 0], return_counts=True)
    for label, count in zip(own, counts, strict=True):
        worth[labels == label] = np.sqrt(np.median(counts) / count)
    return worth


def _held_out(system: _System) -> HeldOut:
    numbers, counts = np.unique(system.labels[system.labels >= 0], return_counts=True)
    step = -(-int(counts.sum()) // SAMPLE_MAX)
    groups = [np.flatnonzero(system.labels == number) for number in numbers[::step]]
    several = np.concatenate([np.empty(0, np.intp), *(g for g in groups if len(g) > 1)])
    known = _each_left_out(system, several)
    near = [_foreign(system, group) for group in groups] if len(numbers) > 1 else []
    far = _each_left_out(system, np.flatnonzero(system.labels < 0))
    return HeldOut(
        known=known.max(axis=1),
        right=known.argmax(axis=1) == system.labels[several],
        near=np.concatenate([np.empty(0), *near]),
        far=far.max(axis=1),
    )


def _each_left_out(system: _System, places: Places) -> Doubles:
    """Return the scores of examples that are left out one at a time."""
    # One product of matrices, and not one of a vector for each: the inverse is read once.
    reach = system.near[places].astype(np.float64) @ system.inverse
    rows = [left_out(system, places[n : n + 1], reach[n : n + 1])[0] for n in range(len(places))]
    return np.stack(rows) if rows else np.empty((0, system.weights.shape[1]))


def _foreign(system: _System, group: Places) -> Doubles:
    """Return the highest score that a pattern's examples would have without the pattern."""
    reach = system.near[group].astype(np.float64) @ system.inverse
    scores = np.delete(left_out(system, group, reach), system.labels[group[0]], axis=1)
    return np.asarray(scores.max(axis=1))


def left_out(system: _System, group: Places, reach: Doubles) -> Doubles:
    """Return the scores that examples would have, had none of them been there: a row for each.

    Leaving out rows of a least-squares fit is a small system of their pulls upon each other. Where
    they are landmarks, these go too: their weights are forced to 0, another small system. `reach`
    is the examples' nearness times the inverse.
    """
    near, worth = system.near[group].astype(np.float64), system.worth[group, None]
    wanted = np.zeros((len(group), system.weights.shape[1]))
    own = np.flatnonzero(system.labels[group] >= 0)
    wanted[own, system.labels[group][own]] = 1.0
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
