"""What a trained model is asked: which pattern, how sure, and which examples say so."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tmws_mcp.embedding.rows import Floats
from tmws_mcp.patterns.semantic.calibration import CONFIDENCE_MAX, Calibration, calibrate
from tmws_mcp.patterns.semantic.features import Reader
from tmws_mcp.patterns.semantic.kernel import Landmarks, nearness
from tmws_mcp.patterns.semantic.training import Doubles, Examples, Places, Trained

RANKED_MAX, NEAREST_MAX = 3, 3


@dataclass(frozen=True, slots=True)
class Near:
    """An example that is like the query."""

    text: str
    pattern: str | None
    """None for a text that means no pattern."""
    alike: float
    """1 for a text that is equal, 0 for one that has nothing in common with it."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What a query may mean, the most probable first."""

    ranked: tuple[tuple[str, float], ...]
    """Ids of patterns, each with the confidence that it is meant."""
    none: float
    """The confidence that none of all patterns is meant."""
    nearest: tuple[Near, ...]

    def __str__(self) -> str:
        """Say what the guess rests on, and what else it could have been."""
        near = self.nearest[0]
        meant = near.pattern or "no pattern"
        others = ", ".join(f"{name} {confidence:.2f}" for name, confidence in self.ranked)
        return (
            f"nearest example {near.text!r} ({near.alike:.2f}, {meant}); confidence: {others}, "
            f"no pattern {self.none:.2f}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Knows the patterns of one catalogue; threads may share it."""

    names: tuple[str, ...]
    examples: Examples
    reader: Reader
    landmarks: Landmarks
    chosen: Places
    weights: Floats
    """A row for each landmark, a column for each pattern, and the last for none."""
    calibration: Calibration

    @property
    def nbytes(self) -> int:
        """How much memory its arrays take."""
        marks, reader = self.landmarks, self.reader
        arrays = (self.weights, marks.vectors, marks.starts, marks.rows, marks.weights)
        return sum(a.nbytes for a in (*arrays, reader.tokens, reader.keys, reader.rarity))

    def guess(self, query: str, signs: Mapping[str, float] | None = None) -> Guess:
        """Return the patterns that the query may mean, and the examples nearest to it.

        `signs` are evidence from elsewhere for patterns, in natural logarithms of odds.
        """
        alike = self.landmarks.alike(self.reader.read([query]))[0]
        scores = (nearness(alike) @ self.weights).astype(np.float64)
        columns = {self.names.index(name): sign for name, sign in (signs or {}).items()}
        chances = np.minimum(self.calibration.chances(scores, columns), CONFIDENCE_MAX)
        best = _highest(chances[:-1], RANKED_MAX)
        return Guess(
            tuple((self.names[n], float(chances[n])) for n in best),
            float(chances[-1]),
            tuple(self._near(place, float(alike[place])) for place in _highest(alike, NEAREST_MAX)),
        )

    def _near(self, landmark: int, alike: float) -> Near:
        example = int(self.chosen[landmark])
        label = int(self.examples.labels[example])
        pattern = self.names[label] if label >= 0 else None
        return Near(self.examples.texts[example], pattern, alike)


def model_of(names: tuple[str, ...], examples: Examples, trained: Trained) -> Model:
    """Return the model that was trained."""
    return Model(
        names,
        examples,
        trained.reader,
        trained.landmarks,
        trained.chosen,
        trained.weights,
        calibrate(trained.held_out),
    )


def _highest(values: Floats | Doubles, count: int) -> list[int]:
    """Return the places of the highest values, the highest first."""
    if count >= len(values):
        return [int(place) for place in np.argsort(-values, kind="stable")]
    found = np.argpartition(-values, count)[:count]
    return [int(place) for place in found[np.argsort(-values[found], kind="stable")]]
