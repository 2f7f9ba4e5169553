"""The two-call example of the contract, and silence where nothing is known."""

import pytest

from tests.learning.desk import Desk

pytestmark = pytest.mark.anyio


async def test_one_observation_already_answers(desk: Desk) -> None:
    await desk.observe(task="process_data", execution_time=1.5, success=True, tool_used="run_job")

    reply = await desk.recommend(task="process_data")

    best = reply.recommendations[0]
    assert best.action == "run_job"
    assert (best.evidence.support, best.evidence.successes) == (1, 1)
    assert best.evidence.lower_bound < 0.5
    assert "worked in 1 of 1 run" in best.why


async def test_a_namespace_without_observations_gets_no_advice(desk: Desk) -> None:
    reply = await desk.recommend(task="process_data")

    assert not reply.recommendations
    assert reply.abstained == "Nothing was observed in this namespace yet."


async def test_an_error_without_a_word_on_success_is_a_failure(desk: Desk) -> None:
    await desk.observe(task="build", tool_used="make", error="no rule to make target")
    await desk.observe(task="build", tool_used="configure")

    reply = await desk.recommend(recent_steps=[{"tool": "make", "error": "no rule to make target"}])

    assert reply.recommendations[0].action == "configure"
    assert await desk.rows("SELECT tool, ok FROM step ORDER BY id") == [
        ("make", 0),
        ("configure", 1),
    ]


async def test_a_success_may_come_with_a_warning(desk: Desk) -> None:
    await desk.observe(task="build", tool_used="make", error="warning: unused", success=True)

    assert await desk.rows("SELECT ok FROM step") == [(1,)]
