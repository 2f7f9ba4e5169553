"""Limits of calls, and arguments made ready for the request's model."""

import anyio
import pytest

from tmws_mcp.errors import InvalidInput, Overloaded, TooLarge
from tmws_mcp.model import ObserveRequest, RecallRequest
from tmws_mcp.server import guard
from tmws_mcp.server.guard import Limits, checked_output, prepared, refusal
from tmws_mcp.server.schemas import input_schema

pytestmark = pytest.mark.anyio

RECALL = input_schema(RecallRequest)
OBSERVE = input_schema(ObserveRequest)


async def test_no_more_than_the_limit_are_at_work_at_once() -> None:
    limits, at_work, most = Limits(calls_max=3, call_seconds_max=5), 0, 0

    async def call() -> None:
        nonlocal at_work, most
        async with limits.turn():
            at_work += 1
            most = max(most, at_work)
            await anyio.lowlevel.checkpoint()
            at_work -= 1

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(call)

    assert most == 3


async def test_a_call_that_takes_too_long_is_stopped() -> None:
    with anyio.fail_after(5), pytest.raises(Overloaded, match=r"stopped after 0\.01 s"):
        async with Limits(calls_max=1, call_seconds_max=0.01).turn():
            await anyio.sleep_forever()


async def test_a_call_that_waits_too_long_for_its_turn_is_stopped() -> None:
    limits = Limits(calls_max=1, call_seconds_max=0.01)
    patient = Limits(calls_max=1, call_seconds_max=5)
    patient._slots = limits._slots

    with anyio.fail_after(5):
        async with patient.turn():
            with pytest.raises(Overloaded):
                async with limits.turn():
                    pytest.fail("there was no free slot")


async def test_too_many_waiting_calls_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "WAITING_MAX", 1)
    limits = Limits(calls_max=1, call_seconds_max=5)

    async def wait() -> None:
        async with limits.turn():
            pass

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks, limits.turn():
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(Overloaded, match="wait"):
                await wait()


async def test_an_error_within_a_turn_frees_the_slot() -> None:
    limits = Limits(calls_max=1, call_seconds_max=5)
    with pytest.raises(ZeroDivisionError):
        async with limits.turn():
            raise ZeroDivisionError
    with anyio.fail_after(5):
        async with limits.turn():
            pass


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"tags": '["a"]'}, {"tags": ["a"]}),
        ({"tags": None, "query": "x"}, {"query": "x"}),
        ({"query": '["a"]'}, {"query": '["a"]'}),
        ({"unknown": '["a"]'}, {"unknown": '["a"]'}),
    ],
)
def test_json_text_is_read_only_where_text_cannot_be_meant(
    given: dict[str, object], made: dict[str, object]
) -> None:
    assert prepared(given, RECALL) == made


def test_arguments_of_a_step_may_be_text_that_is_json() -> None:
    given = {"arguments": '{"path": "a"}', "error": '{"status": 400}', "metadata": '{"a": null}'}

    assert prepared(given, OBSERVE) == {**given, "metadata": {"a": None}}


def test_text_that_is_not_json_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="tags must be an array, not text"):
        prepared({"tags": "a, b"}, RECALL)


def test_arguments_nested_too_deeply_are_refused() -> None:
    deep: object = "x"
    for _ in range(100):
        deep = [deep]
    with pytest.raises(InvalidInput, match="nested"):
        prepared({"metadata": {"deep": deep}}, OBSERVE)
    with pytest.raises(InvalidInput, match=r"nested|not text"):
        prepared({"metadata": '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"}, OBSERVE)


def test_arguments_over_the_limit_are_refused_by_their_size() -> None:
    with pytest.raises(TooLarge, match=r"4,000,00\d bytes"):
        prepared({"query": "é" * 2_000_000}, RECALL)


def test_an_answer_over_the_limit_says_how_to_ask_for_less() -> None:
    assert checked_output("x" * guard.OUTPUT_CHARS_MAX)
    with pytest.raises(TooLarge, match="token_budget"):
        checked_output("x" * (guard.OUTPUT_CHARS_MAX + 1))


def test_an_error_text_is_bounded() -> None:
    assert len(refusal("x" * 1_000_000)) == guard.ERROR_CHARS_MAX
