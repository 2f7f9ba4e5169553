"""A confidence is a probability: it follows how often such a share was right."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.learning.desk import NOW, temporary
from tmws_mcp.learning.calibration import calibrated, counted
from tmws_mcp.learning.case import Case
from tmws_mcp.learning.view import View
from tmws_mcp.store import evidence, namespaces

NEXT = Case(1, "next")
SHARES = st.floats(0, 1, allow_nan=False)
CASES = st.lists(st.tuples(SHARES, st.booleans()), max_size=40)


@settings(max_examples=40, deadline=None)
@given(cases=CASES, shares=st.lists(SHARES, min_size=1, max_size=5))
def test_calibration_keeps_order_and_bounds(
    cases: list[tuple[float, bool]], shares: list[float]
) -> None:
    total = max(sum(shares), 1.0)
    given_shares = {f"tool{number}": share / total for number, share in enumerate(shares)}
    with temporary() as db:
        ns = namespaces.ensure(db, "team", NOW)
        for share, hit in cases:
            evidence.add_contexts(db, ns, counted(NEXT, {"a": share}, "a" if hit else "b"))

        found = calibrated(View(db, 1), NEXT, given_shares)

    first = max(given_shares.values())
    assert all(0 <= share <= 1 for share in found.values())
    assert max(found.values()) in {
        found[name] for name, share in given_shares.items() if share == first
    }
    assert sum(found.values()) <= 1 + 1e-6 or len(found) == 1


def test_a_share_that_was_always_right_becomes_sure() -> None:
    with temporary() as db:
        ns = namespaces.ensure(db, "team", NOW)
        before = calibrated(View(db, 1), NEXT, {"a": 0.5, "b": 0.25})
        for _ in range(100):
            evidence.add_contexts(db, ns, counted(NEXT, {"a": 0.5}, "a"))
        after = calibrated(View(db, 1), NEXT, {"a": 0.5, "b": 0.25})

    assert before == pytest.approx({"a": 0.5, "b": 0.25})
    assert after["a"] > 0.9
    assert after["b"] == pytest.approx((1 - after["a"]) / 2)


def test_repairs_lean_on_the_record_of_all_steps_until_they_have_their_own() -> None:
    recover = Case(1, "recover")
    with temporary() as db:
        ns = namespaces.ensure(db, "team", NOW)
        for _ in range(100):
            evidence.add_contexts(db, ns, counted(NEXT, {"a": 0.5}, "a"))
        without_own = calibrated(View(db, 1), recover, {"a": 0.5})
        for _ in range(400):
            evidence.add_contexts(db, ns, counted(recover, {"a": 0.5}, "b"))
        with_own = calibrated(View(db, 1), recover, {"a": 0.5})
        of_steps = calibrated(View(db, 1), NEXT, {"a": 0.5})

    assert without_own == pytest.approx(of_steps)
    assert of_steps["a"] > 0.9
    assert with_own["a"] < 0.5


def test_a_case_counts_as_one() -> None:
    assert sum(counted(NEXT, {"a": 0.33}, "a").values()) == 1_000
    assert sum(counted(NEXT, {"a": 1.0}, "b").values()) == 1_000
