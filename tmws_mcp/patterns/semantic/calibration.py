"""The probability that the best pattern is the one that is meant, given its score.

A score says little in itself: among four patterns .3 is a sure sign, among hundreds it is not.
What scores mean here is learned from the held-out ones: those of examples (meant), of patterns'
examples without their pattern, and of the background (not meant). Logistic regression on the
logarithm of the score, drawn towards what many catalogues have in common, since a catalogue of
three patterns has too few examples to learn it from.
"""

from dataclasses import dataclass

import numpy as np

from tmws_mcp.patterns.semantic.training import Doubles, HeldOut

SCORE_MIN, SCORE_UNIT = 1e-3, 0.2
COMMON = (0.3, 3.0)
"""Intercept and slope of catalogues of 5 to 150 patterns, of which this was measured."""
COMMON_WEIGHT = 4.0
"""The precision of that prior: a dozen examples begin to move it, a hundred decide."""
MEANT_SHARE = 0.75
"""Of the queries, those that mean a pattern: whoever calls pattern_execute has mostly read what
there is. A share assumed, since no catalogue can tell."""
NEAR_SHARE = 1 / 3
"""Of the others, those that are much like queries of patterns; the rest is the background."""
STEPS_MAX = 50
CONFIDENCE_MAX = 0.99


@dataclass(frozen=True, slots=True)
class Calibration:
    """A rising curve from score to confidence."""

    intercept: float
    slope: float

    def confidence(self, score: float) -> float:
        """Return the probability, 0 to .99."""
        evidence = self.intercept + self.slope * float(_feature(np.array([score]))[0])
        return min(CONFIDENCE_MAX, float(1 / (1 + np.exp(-evidence))))


def calibrate(held_out: HeldOut) -> Calibration:
    """Return the curve that fits the held-out scores best."""
    known, near, far = held_out.known, held_out.near, held_out.far
    scores = _feature(np.concatenate([known, near, far]))
    meant = np.concatenate([held_out.right, np.zeros(len(near) + len(far))])
    others = len(known) * (1 - MEANT_SHARE) / MEANT_SHARE
    share = NEAR_SHARE if len(near) else 0.0
    weights = np.concatenate(
        [
            np.ones(len(known)),
            np.full(len(near), others * share / max(len(near), 1)),
            np.full(len(far), others * (1 - share) / max(len(far), 1)),
        ]
    )
    return Calibration(*_fitted(scores, meant, weights))


def _fitted(scores: Doubles, meant: Doubles, weights: Doubles) -> tuple[float, float]:
    """Return the most probable curve, by Newton's method from the prior's."""
    rows = np.stack([np.ones(len(scores)), scores], axis=1)
    prior = np.array(COMMON)
    curve = prior.copy()
    for _ in range(STEPS_MAX):
        chance = 1 / (1 + np.exp(-np.clip(rows @ curve, -30, 30)))
        slope = rows.T @ (weights * (chance - meant)) + COMMON_WEIGHT * (curve - prior)
        spread = weights * chance * (1 - chance)
        step = np.linalg.solve((rows.T * spread) @ rows + COMMON_WEIGHT * np.eye(2), slope)
        curve -= np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-6:  # noqa: PLR2004 - the figures shown have three digits
            break
    return float(curve[0]), max(float(curve[1]), 0.1)  # more alike is never less sure


def _feature(scores: Doubles) -> Doubles:
    feature: Doubles = np.log(np.maximum(scores, SCORE_MIN) / SCORE_UNIT)
    return feature
