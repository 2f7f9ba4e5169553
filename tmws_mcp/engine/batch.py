"""Many queries at once: side by side within bounds, and one budget for all of their answers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import anyio

from tmws_mcp.errors import TmwsError, TooLarge
from tmws_mcp.model import Batched, BatchReply, ExecuteReply, ExecuteRequest
from tmws_mcp.model.memory import TOKEN_BUDGET_MIN
from tmws_mcp.model.problems import validated

QUERIES_MAX = 100
AT_ONCE_MAX = 4
"""Two connections read, and one writes: more would only wait for each other."""
TOKENS_DEFAULT = 4_000
REMEDY = "Send them in several batches."

Execute = Callable[[ExecuteRequest], Awaitable[ExecuteReply]]


async def execute_many(
    execute: Execute,
    requests: Sequence[ExecuteRequest | Mapping[str, Any] | str],
    token_budget: int = TOKENS_DEFAULT,
) -> BatchReply:
    """Return the answers in the order of the queries; one that fails takes no other with it.

    What a query leaves of its share of the tokens goes to those that begin after it.

    Raises:
        TooLarge: There are too many queries.
        InvalidInput: One of the requests is malformed.
    """
    if len(requests) > QUERIES_MAX:
        raise TooLarge("The batch", len(requests), QUERIES_MAX, "queries", remedy=REMEDY)
    asked = [validated(ExecuteRequest, _mapping(request)) for request in requests]
    purse = Purse(token_budget, len(asked))
    answers: list[Batched | None] = [None] * len(asked)
    turns = anyio.CapacityLimiter(AT_ONCE_MAX)

    async def one(place: int, request: ExecuteRequest) -> None:
        async with turns:
            answers[place] = await _answered(execute, request, purse)

    async with anyio.create_task_group() as tasks:
        for place, request in enumerate(asked):
            tasks.start_soon(one, place, request)
    done = tuple(answer for answer in answers if answer is not None)
    return BatchReply(answers=done, tokens=sum(a.reply.tokens for a in done if a.reply))


class Purse:
    """The tokens of a batch."""

    def __init__(self, tokens: int, queries: int) -> None:
        self._tokens, self._queries = tokens, queries

    def share(self) -> int:
        """Take the share of one query."""
        share = max(self._tokens // max(self._queries, 1), TOKEN_BUDGET_MIN)
        self._tokens, self._queries = self._tokens - share, self._queries - 1
        return share

    def give_back(self, tokens: int) -> None:
        """Return what was not used of a share."""
        self._tokens += tokens


async def _answered(execute: Execute, request: ExecuteRequest, purse: Purse) -> Batched:
    share = purse.share()
    own = min(share, request.token_budget or share)
    try:
        reply = await execute(request.model_copy(update={"token_budget": own}))
    except TmwsError as error:
        purse.give_back(share)
        return Batched(query=request.query, error=str(error))
    purse.give_back(share - reply.tokens)
    return Batched(query=request.query, reply=reply)


def _mapping(
    request: ExecuteRequest | Mapping[str, Any] | str,
) -> ExecuteRequest | Mapping[str, Any]:
    return {"query": request} if isinstance(request, str) else request
