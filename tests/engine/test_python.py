"""The engine in a program: the dicts of callers of the earlier system, word for word."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tmws_mcp.engine import Engine
from tmws_mcp.errors import InvalidInput

pytestmark = pytest.mark.anyio

PROGRAM = """
import asyncio, json
from tmws_mcp import open_engine

async def main():
    async with open_engine() as engine:
        result = await engine.observe_interaction({
            "task": "process_data",
            "execution_time": 1.5,
            "success": True,
            "tool_used": "run_job",
        })
        recommendations = await engine.get_recommendations({"task": "process_data"})
        print(json.dumps([result.model_dump(), recommendations.model_dump()]))

asyncio.run(main())
"""


def test_a_program_of_two_calls_gets_its_answer(tmp_path: Path) -> None:
    environment = {**os.environ, "TMWS_HOME": str(tmp_path), "TMWS_NAMESPACE": "here"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    observed, advice = json.loads(done.stdout)
    assert observed["observed"] == 1
    assert observed["learned"][0]["kind"] == "tool_usage"
    best = advice["recommendations"][0]
    assert best["action"] == "run_job"
    assert best["evidence"]["support"] == 1
    assert best["pattern_id"] == observed["learned"][0]["pattern_id"]
    assert "worked in 1 of 1 run" in best["why"]


async def test_an_observation_without_a_tool_is_taken_and_its_lack_is_said(engine: Engine) -> None:
    seen = await engine.observe_interaction(
        {"task": "process_data", "execution_time": 1.5, "success": True}
    )
    advice = await engine.get_recommendations({"task": "process_data"})

    assert seen.observed == 1
    assert advice.recommendations == ()
    assert "worked in 1 of 1 run" in str(advice.abstained)
    assert "tool_used" in str(advice.abstained)


async def test_all_names_that_earlier_callers_send_are_known(engine: Engine) -> None:
    seen = await engine.observe_interaction(
        {
            "task": "process_data", "execution_time": 1.5, "success": False, "tool_used": "run_job",
            "error": "disk full", "recovery_action": "clean_up", "method": "batch",
        }
    )  # fmt: skip
    advice = await engine.get_recommendations({"task": "process_data", "error": "disk full"})

    assert {one.kind for one in seen.learned} == {"error_recovery"}
    assert advice.recommendations[0].action == "clean_up"


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"tool": "run_job"}, "tool_used"),
        ({"agent_id": "a"}, "agent_id"),
        ({"context": {}}, "context"),
    ],
)
async def test_a_key_that_nobody_knows_is_refused_by_name(
    engine: Engine, extra: dict[str, object], said: str
) -> None:
    with pytest.raises(InvalidInput, match="Unknown argument") as refused:
        await engine.observe_interaction({"task": "process_data", "success": True, **extra})

    assert said in str(refused.value)


async def test_a_value_of_the_wrong_kind_is_refused_with_what_it_may_be(engine: Engine) -> None:
    with pytest.raises(InvalidInput, match="execution_time"):
        await engine.observe_interaction({"task": "process_data", "execution_time": "long"})


async def test_what_a_person_does_is_there_for_programs_too(engine: Engine) -> None:
    for number in range(2):
        await engine.observe_interaction(
            {
                "session_id": f"s{number}", "task": "tell the time", "outcome": "success",
                "interactions": [{"tool_used": "clock.now"}, {"tool_used": "statistics.all"}],
            }
        )  # fmt: skip
    [sequence] = await engine.learned({"kind": "task_sequence"})

    made = await engine.manage.promotion(sequence.pattern_id)
    gone = await engine.manage.forget({"pattern": sequence.pattern_id})
    assert gone.undo is not None
    await engine.manage.undo(gone.undo)

    assert made.runnable == ("clock_now", "statistics_all")
    assert made.missing == ()
    [again] = await engine.learned({"kind": "task_sequence"})
    assert again.evidence == sequence.evidence


async def test_a_paused_namespace_answers_observed_0_with_the_reason(engine: Engine) -> None:
    await engine.manage.pause("at the customer's")

    reply = await engine.observe_interaction({"tool_used": "rm"})

    assert (reply.observed, "at the customer's" in str(reply.paused)) == (0, True)
    assert await engine.manage.resume()
    assert (await engine.observe_interaction({"tool_used": "rm"})).observed == 1
