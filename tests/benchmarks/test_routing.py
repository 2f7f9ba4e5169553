"""What the benchmarks of matching and routing measure is what they say that they measure."""

from collections import Counter

import pytest

from benchmarks import intents, routing
from benchmarks.intents import Answer


@pytest.mark.parametrize("set_", routing.DATA)
def test_there_are_queries_of_every_route_in_both_halves(set_: str) -> None:
    queries = routing.read(set_)
    labels = Counter(query.route for query in queries)
    halves = Counter(query.part for query in queries)

    assert len(queries) >= 300
    assert len({query.query for query in queries}) == len(queries)
    assert labels["none"] >= 60
    assert set(labels) == set(routing.ROUTES)
    assert min(halves.values()) > 0.4 * len(queries)


def test_no_query_stands_in_two_sets() -> None:
    sets = ({one.query.casefold() for one in routing.read(name)} for name in routing.DATA)
    counts = Counter(query for found in sets for query in found)

    assert max(counts.values()) == 1


def test_the_matrix_counts_what_was_taken() -> None:
    found = routing.figures({("memory", "memory"): 3, ("memory", "none"): 1})

    assert (found["queries"], found["accuracy"]) == (4, 0.75)
    assert "1" in str(routing.table("open", found))


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    assert intents.auroc([0.9, 0.5], [0.1, 0.5]) == pytest.approx(0.875)


def test_an_answer_below_the_threshold_counts_as_none() -> None:
    own = [Answer(right=True, confidence=0.9), Answer(right=True, confidence=0.1)]
    foreign = [Answer(right=False, confidence=0.05)] * 20
    found = intents.scores(own, foreign, first=1.0, least=0.2)

    assert (found.accuracy, found.first, found.false_accepts) == (0.5, 1.0, 0.0)
    assert found.auroc == pytest.approx(0.75)
    assert found.coverage == 1.0


def test_a_confidence_that_is_the_share_of_right_answers_is_calibrated() -> None:
    own = [Answer(right=number < 3, confidence=0.75) for number in range(4)]

    assert intents.calibration_error(own, [Answer(right=False, confidence=0.0)]) == 0.0
