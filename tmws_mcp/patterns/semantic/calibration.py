"""From scores to probabilities: of each pattern that it is meant, and that none is.

A score says little in itself: among four patterns .3 is a sure sign, among hundreds it is not, and
nothing where no pattern at all scores .6. The probabilities are a softmax over all patterns and
over none, of the scores and their logarithms (multinomial logistic regression). What evidence a
score is, is learned from the held-out ones: those of examples (their pattern is meant), of
patterns' examples without their pattern, and of the background (none is meant). It is drawn
towards what other catalogues and queries have in common, since a catalogue of three patterns has
too few examples to learn it from.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tmws_mcp.patterns.semantic.training import Doubles, HeldOut

SCORE_MIN, SCORE_UNIT = 1e-2, 0.2
SCORE_BOUNDS = -0.2, 1.0
COMMON = (4.1, 1.85, -0.75, 1.15, 3.0)
"""Of a pattern: what the logarithm of its score and the score weigh; of none: a constant, and the
same two. Fitted to the open halves of the queries of `make bench-routing`."""
COMMON_WEIGHT = 30.0
"""The precision of that prior: a hundred examples begin to move it, a thousand decide."""
MEANT_SHARE = 0.75
"""Of the queries, those that mean a pattern: whoever calls pattern_execute has mostly read what
there is. A share assumed, since no catalogue can tell."""
NEAR_SHARE = 1 / 3
"""Of the others, those that are much like queries of patterns; the rest is the background."""
STEPS_MAX = 30
STEP_MIN = 1e-3
"""What is shown of a confidence has three digits."""
CONFIDENCE_MAX = 0.99


@dataclass(frozen=True, slots=True)
class Calibration:
    """What scores are worth: evidence for a pattern, and for none."""

    log_weight: float
    weight: float
    none: float
    none_weight: float
    none_log_weight: float

    def chances(self, scores: Doubles, signs: Mapping[int, float] | None = None) -> Doubles:
        """Return the probability of each column, which add up to 1; the last is that of none.

        `signs` are further evidence by columns, in natural logarithms of odds.
        """
        evidence = self.evidence(scores)
        for column, sign in (signs or {}).items():
            evidence[column] += sign
        shares = np.exp(evidence - evidence.max())
        chances: Doubles = shares / shares.sum()
        return chances

    def evidence(self, scores: Doubles) -> Doubles:
        """Return the evidence of each column, the last being none."""
        logs, values = _features(scores.astype(np.float64))
        evidence: Doubles = self.log_weight * logs + self.weight * values
        evidence[-1] = self.none + self.none_weight * values[-1] + self.none_log_weight * logs[-1]
        return evidence


def calibrate(held_out: HeldOut) -> Calibration:
    """Return what fits the held-out scores best."""
    none = held_out.far.shape[1] - 1
    strange = len(held_out.near) + len(held_out.far)
    scores = np.concatenate([held_out.known, held_out.near, held_out.far])
    meant = np.concatenate([held_out.meant, np.full(strange, none)])
    others = len(held_out.known) * (1 - MEANT_SHARE) / MEANT_SHARE
    share = NEAR_SHARE if len(held_out.near) else 0.0
    rows = np.concatenate(
        [
            np.ones(len(held_out.known)),
            np.full(len(held_out.near), others * share / max(len(held_out.near), 1)),
            np.full(len(held_out.far), others * (1 - share) / max(len(held_out.far), 1)),
        ]
    )
    return Calibration(*map(float, _fitted(scores, meant, rows)))


def _fitted(scores: Doubles, meant: Doubles, rows: Doubles) -> Doubles:
    """Return the most probable weights, by Newton's method from the prior's."""
    logs, values = _features(scores)
    prior = np.array(COMMON)
    weights = prior.copy()
    for _ in range(STEPS_MAX):
        slope, spread = _slope(logs, values, meant, rows, weights)
        slope += COMMON_WEIGHT * (weights - prior)
        step = np.linalg.solve(spread + COMMON_WEIGHT * np.eye(len(prior)), slope)
        weights -= np.clip(step, -1, 1)
        if np.abs(step).max() < STEP_MIN:
            break
    # More alike is never less sure, and more like none never surer.
    weights[[0, 1, 3, 4]] = np.maximum(weights[[0, 1, 3, 4]], 0.0)
    return weights


def _slope(
    logs: Doubles, values: Doubles, meant: Doubles, rows: Doubles, weights: Doubles
) -> tuple[Doubles, Doubles]:
    """Return the first and second derivatives of what the weights leave unexplained."""
    evidence = weights[0] * logs + weights[1] * values
    evidence[:, -1] = weights[2] + weights[3] * values[:, -1] + weights[4] * logs[:, -1]
    chances = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    own, none = chances[:, :-1], chances[:, -1]
    a, b, last = logs[:, :-1], values[:, :-1], len(logs[0]) - 1
    of_none = np.stack([np.ones(len(none)), values[:, -1], logs[:, -1]], axis=1)
    expected = np.column_stack([(own * a).sum(1), (own * b).sum(1), none[:, None] * of_none])
    every = np.arange(len(meant))
    is_none = (meant == last)[:, None]
    seen = np.column_stack(
        [
            np.where(is_none, 0.0, np.column_stack([logs[every, meant], values[every, meant]])),
            np.where(is_none, of_none, 0.0),
        ]
    )
    spread = -(expected * rows[:, None]).T @ expected
    squares = [(own * a * a).sum(1), (own * a * b).sum(1), (own * b * b).sum(1)]
    aa, ab, bb = (float(rows @ square) for square in squares)
    spread[:2, :2] += np.array([[aa, ab], [ab, bb]])
    spread[2:, 2:] += (of_none * (rows * none)[:, None]).T @ of_none
    return rows @ (expected - seen), spread


def _features(scores: Doubles) -> tuple[Doubles, Doubles]:
    logs: Doubles = np.log(np.maximum(scores, SCORE_MIN) / SCORE_UNIT)
    return logs, np.clip(scores, *SCORE_BOUNDS)
