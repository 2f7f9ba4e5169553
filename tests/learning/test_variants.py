"""The cheapest of the variants that succeed as often as the best."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.learning.desk import advised, observed
from tmws_mcp.learning import variants
from tmws_mcp.learning.posterior import probability_better
from tmws_mcp.model import RecommendReply
from tmws_mcp.store.driver import Connection


def tried(db: Connection, method: str, oks: int, fails: int = 0, **told: object) -> None:
    for number in range(oks + fails):
        observed(db, method=method, success=number < oks, **({"task": "resize"} | told))


def names(reply: RecommendReply) -> list[object]:
    return [one.action for one in reply.recommendations]


def test_of_equally_good_ones_the_fastest_wins(db: Connection) -> None:
    tried(db, "slow", 6, execution_time=9)
    tried(db, "fast", 6, execution_time=2)

    reply = advised(db, task="resize", want="variant")

    assert names(reply) == ["fast", "slow"]
    assert "about 2.0 s" in reply.recommendations[0].why


def test_untimed_the_one_with_fewest_tokens_wins(db: Connection) -> None:
    tried(db, "chatty", 6, tokens=9_000)
    tried(db, "terse", 6, tokens=700)

    assert names(advised(db, task="resize", want="variant"))[0] == "terse"


def test_success_comes_before_speed(db: Connection) -> None:
    tried(db, "sure", 8, execution_time=9)
    tried(db, "hasty", 3, 5, execution_time=1)

    best = advised(db, task="resize", want="variant").recommendations[0]

    assert best.action == "sure"
    assert best.evidence.base_rate == 0.375


def test_metadata_is_a_context(db: Connection) -> None:
    tried(db, "a", 6, task="", metadata={"service": "x"})
    tried(db, "a", 0, 6, task="", metadata={"service": "y"})
    tried(db, "b", 0, 6, task="", metadata={"service": "x"})
    tried(db, "b", 6, task="", metadata={"service": "y"})

    for service, best in (("x", "a"), ("y", "b")):
        reply = advised(db, want="variant", candidates=["a", "b"], metadata={"service": service})
        assert names(reply)[0] == best


def test_a_new_task_leans_on_what_is_known_elsewhere(db: Connection) -> None:
    tried(db, "good", 8, task="one")
    tried(db, "bad", 0, 8, task="one")

    reply = advised(db, task="another", want="variant", candidates=["bad", "good"])

    assert names(reply)[0] == "good"
    assert "elsewhere" in reply.recommendations[0].why


def test_candidates_never_observed_get_no_advice(db: Connection) -> None:
    tried(db, "known", 3)

    reply = advised(db, task="resize", candidates=["new", "newer"])

    assert reply.abstained == "None of these candidates was observed as method."


def test_an_untried_candidate_gets_its_chance(db: Connection) -> None:
    """Where all that was tried fails, the untried one is expected to do better."""
    tried(db, "bad", 0, 9)
    tried(db, "worse", 0, 9)

    best = advised(db, task="resize", candidates=["bad", "new", "worse"]).recommendations[0]

    assert best.action == "new"
    assert best.success_rate is None
    assert "never tried" in best.why


def test_now_and_then_a_draw_explores(db: Connection) -> None:
    tried(db, "rare", 1, 1, task="")
    tried(db, "usual", 8, 2, task="")
    chosen = [
        names(advised(db, task=f"task {number}", want="variant", candidates=["rare", "usual"]))[0]
        for number in range(10 * variants.EXPLORED_EACH)
    ]

    assert 0 < chosen.count("rare") < chosen.count("usual") / variants.EXPLORED_EACH * 3


def test_a_faster_variant_becomes_a_learned_pattern(db: Connection) -> None:
    tried(db, "slow", 4, execution_time=9)
    tried(db, "fast", 2, execution_time=3)
    reply = observed(db, method="fast", task="resize", execution_time=3)

    (learned,) = reply.learned
    assert learned.kind == "performance"
    assert learned.support == 3
    assert "fast is about 2.8 times faster than slow" in learned.summary


@given(
    one=st.tuples(st.floats(0.5, 500), st.floats(0.5, 500)),
    other=st.tuples(st.floats(0.5, 500), st.floats(0.5, 500)),
)
def test_one_of_two_variants_is_better_or_the_other(
    one: tuple[float, float], other: tuple[float, float]
) -> None:
    better, worse = probability_better(one, other), probability_better(other, one)

    assert 0 <= better <= 1 + 1e-9
    assert better + worse == pytest.approx(1)


def test_the_best_variant_says_how_probably_it_is_better(db: Connection) -> None:
    for number in range(12):
        observed(db, method="good", success=True)
        observed(db, method="bad", success=number < 3)

    best = advised(db, want="variant", candidates=["good", "bad"]).recommendations[0]

    assert best.action == "good"
    assert "more often than bad with probability 0.99" in best.why or "1.00" in best.why
