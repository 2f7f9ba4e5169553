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
