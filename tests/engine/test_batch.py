"""Many queries at once."""

import anyio
import pytest

from tmws_mcp.engine import Engine
from tmws_mcp.engine.batch import AT_ONCE_MAX, QUERIES_MAX, execute_many
from tmws_mcp.errors import InvalidInput, PatternNotFound, TooLarge
from tmws_mcp.model import ExecuteReply, ExecuteRequest, Scope

pytestmark = pytest.mark.anyio


async def test_answers_come_in_the_order_of_the_queries_and_a_failure_stays_alone(
    engine: Engine,
) -> None:
    reply = await engine.pattern_execute_many(
        ["what is 2+3", "zebra xylophone", {"query": "what is 4*5", "explain": True}]
    )

    assert [answer.query for answer in reply.answers] == [
        "what is 2+3", "zebra xylophone", "what is 4*5",
    ]  # fmt: skip
    first, second, third = reply.answers
    assert "5" in str(first.reply.result)
    assert second.reply is None
    assert "pattern" in second.error
    assert third.reply.explanation is not None
    assert reply.tokens == first.reply.tokens + third.reply.tokens


async def test_a_malformed_request_is_refused_before_anything_runs(engine: Engine) -> None:
    with pytest.raises(InvalidInput, match="mode"):
        await engine.pattern_execute_many(["health", {"query": "x", "mode": "slow"}])


async def test_too_many_queries_are_refused(engine: Engine) -> None:
    with pytest.raises(TooLarge, match="The batch has 101 queries"):
        await engine.pattern_execute_many(["health"] * (QUERIES_MAX + 1))


class Answering:
    """Answers with so many tokens, and notes what it was asked and how many were at work."""

    def __init__(self, tokens: int) -> None:
        self.tokens, self.budgets = tokens, []
        self.at_work = self.most = 0

    async def __call__(self, request: ExecuteRequest) -> ExecuteReply:
        self.budgets.append(request.token_budget)
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        await anyio.lowlevel.checkpoint()
        self.at_work -= 1
        if request.query == "none":
            raise PatternNotFound("none")
        return ExecuteReply(
            pattern=None, route="memory", confidence=1, matched_by="none", result={},
            tokens=self.tokens, tokens_saved=0, ms=0, scope=Scope(namespace="x", source="default"),
        )  # fmt: skip


async def test_only_a_few_run_at_once() -> None:
    answering = Answering(10)
    await execute_many(answering, ["x"] * 20)

    assert answering.most == AT_ONCE_MAX


async def test_what_one_leaves_of_its_share_goes_to_the_others() -> None:
    thrifty, greedy = Answering(10), Answering(400)
    await execute_many(thrifty, ["none", *["x"] * 9], 1_000)
    await execute_many(greedy, ["x"] * 10, 4_000)

    assert thrifty.budgets[:4] == [100] * 4
    assert thrifty.budgets[-1] > 400
    assert greedy.budgets == [400] * 10


async def test_a_query_may_ask_for_less_than_its_share() -> None:
    answering = Answering(10)
    await execute_many(answering, [{"query": "x", "token_budget": 60}, "y"], 1_000)

    assert answering.budgets == [60, 500]
