"""What scores are worth: probabilities of each pattern, and of none."""

import numpy as np
import pytest

from tmws_mcp.embedding.static import shipped as embedder
from tmws_mcp.patterns.catalog import Catalog
from tmws_mcp.patterns.matcher import Matcher
from tmws_mcp.patterns.semantic.calibration import COMMON, Calibration, calibrate
from tmws_mcp.patterns.semantic.examples import background
from tmws_mcp.patterns.semantic.training import BACKGROUND, Examples, train

SECONDS_MAX = 120.0


@pytest.fixture(scope="module")
def of_shipped(shipped: Catalog) -> Matcher:
    matcher = Matcher(shipped)
    matcher.learn()
    assert matcher.learned(SECONDS_MAX)
    return matcher


def _chances(curve: Calibration, own: float, none: float) -> tuple[float, float]:
    chances = curve.chances(np.array([own, 0.05, none]))
    assert chances.sum() == pytest.approx(1)
    return float(chances[0]), float(chances[-1])


def test_confidence_rises_with_the_score_and_falls_with_that_of_none(of_shipped: Matcher) -> None:
    assert of_shipped.model is not None
    curve = of_shipped.model.calibration
    rising = [_chances(curve, score, 0.1)[0] for score in (-1.0, 0.0, 0.1, 0.3, 0.6, 1.0)]
    falling = [_chances(curve, 0.4, none)[0] for none in (0.0, 0.1, 0.3, 0.6, 1.0)]

    assert rising == sorted(rising)
    assert rising[0] < 0.05
    assert rising[-1] > 0.9
    assert falling == sorted(falling, reverse=True)


def test_a_sign_from_elsewhere_moves_the_odds_by_what_it_weighs(of_shipped: Matcher) -> None:
    assert of_shipped.model is not None
    curve, scores = of_shipped.model.calibration, np.array([0.3, 0.25, 0.2])
    before, after = curve.chances(scores), curve.chances(scores, {0: 2.0})

    ratio = (after[0] / after[1]) / (before[0] / before[1])
    assert np.log(ratio) == pytest.approx(2.0)


def test_a_catalogue_too_small_to_learn_it_from_gets_the_common_curve() -> None:
    texts = ("is the deployment done", *background()[:30])
    labels = np.array([0] + [BACKGROUND] * 30, np.int32)
    curve = calibrate(train(embedder(), Examples(texts, labels, 1)).held_out)

    assert _chances(curve, 0.5, 0.05)[0] > 0.8
    assert _chances(curve, 0.05, 0.5)[0] < 0.1
    assert (curve.log_weight, curve.none) == pytest.approx((COMMON[0], COMMON[2]), abs=0.5)
