"""Outside evidence (tests, an exit code, a user) weighs more than an agent's own word."""

from typing import Any

import pytest

from tests.learning.desk import advised, observed
from tmws_mcp.learning import posterior
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import OUTSIDE_WEIGHT, Tally

TASK = "fix the parser"


def best(db: Connection, **asked: Any) -> Any:
    return advised(db, task=TASK, **asked).recommendations[0]


@pytest.mark.parametrize("judge", ["tests", "exit_code", "user"])
def test_of_two_variants_the_one_that_others_saw_work_is_surer(db: Connection, judge: str) -> None:
    for _ in range(3):
        observed(db, task=TASK, method="own", evidence="self")
        observed(db, task=TASK, method="judged", evidence=judge)

    found = advised(db, task=TASK, want="variant", candidates=["own", "judged"], limit=2)

    rates = {one.action: one.success_rate for one in found.recommendations}
    assert found.recommendations[0].action == "judged"
    assert found.recommendations[0].evidence.support == 3  # it weighs more, and is not more
    assert (rates["judged"] or 0) >= (rates.get("own") or 0)


def test_a_failure_that_tests_saw_outweighs_a_success_that_the_agent_claims(
    db: Connection,
) -> None:
    observed(db, session_id="a", task=TASK, tool_used="edit", evidence="self")
    observed(db, session_id="b", task=TASK, tool_used="edit", success=False, evidence="tests")
    judged = best(db, session_id="c", want="next").success_rate

    assert judged < 0.5


def test_a_repair_that_an_exit_code_proved_comes_before_one_that_was_claimed(
    db: Connection,
) -> None:
    for number, (tool, judge) in enumerate([("guess", "self"), ("install", "exit_code")] * 3):
        observed(db, session_id=f"s{number}", tool_used="run", success=False, error="no module")
        observed(db, session_id=f"s{number}", tool_used=tool, evidence=judge)

    first = advised(db, session_id="n", want="recover", recent_steps=[
        {"tool": "run", "ok": False, "error": "no module"}]).recommendations[0]  # fmt: skip

    assert first.action == "install"


@pytest.mark.parametrize("judge", ["tests", "exit_code", "user"])
def test_the_end_of_a_session_is_judged_too(db: Connection, judge: str) -> None:
    for name, said in (("own", "self"), ("judged", judge)):
        for _ in range(3):
            for tool in ("build", f"ship-{name}"):
                observed(db, session_id=name, task=f"{name} work", tool_used=tool)
            observed(db, session_id=name, outcome="success", evidence=said)

    rates = {
        name: advised(db, task=f"{name} work", want="workflow").recommendations[0].success_rate
        for name in ("own", "judged")
    }

    assert rates["judged"] > rates["own"]


def test_an_outcome_alone_is_judged_too(db: Connection) -> None:
    observed(db, session_id="a", task=TASK, outcome="success", evidence="tests")

    assert db.rows("SELECT outside_n, outside_ok FROM outcome WHERE kind = 'task'") == [(1, 1)]


def test_without_a_judge_nothing_weighs_more() -> None:
    own, outside = Tally(n=4, ok=3), Tally(n=4, ok=3, outside_n=4, outside_ok=3)

    assert (own.weighed_n, own.weighed_ok) == (4, 3)
    assert (outside.weighed_n, outside.weighed_ok) == (4 * OUTSIDE_WEIGHT, 3 * OUTSIDE_WEIGHT)
    assert posterior.mean([own]) < posterior.mean([outside])
