"""Questions answered by a pattern, or only matched and routed."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from tmws_mcp.engine.batch import QUERIES_MAX, TOKENS_DEFAULT
from tmws_mcp.model import (
    Alternative,
    BatchReply,
    ExecuteReply,
    ExecuteRequest,
    Explanation,
    MatchedBy,
    Request,
    Route,
    Scope,
    Value,
)
from tmws_mcp.web.answering import API, Caller, Calling, EngineRoute, Reply, answers

router = APIRouter(prefix=API, route_class=EngineRoute, tags=["answers"])


class Batch(Request):
    """Questions to be answered side by side."""

    queries: Annotated[tuple[ExecuteRequest, ...], Field(min_length=1, max_length=QUERIES_MAX)]
    token_budget: Annotated[int, Field(ge=50, le=100_000)] = TOKENS_DEFAULT


class Matched(Value):
    """The pattern that is meant, and how sure that is."""

    pattern: str | None
    matched_by: MatchedBy
    confidence: float
    why: str
    closest: tuple[str, ...] = ()
    scope: Scope


class Routed(Value):
    """The route that would be taken, and those that would not."""

    pattern: str | None
    route: Route
    why: str
    alternatives: tuple[Alternative, ...] = ()
    scope: Scope


@router.post("/execute", **answers(ExecuteReply, "write"))
async def execute(asked: ExecuteRequest, caller: Calling) -> Reply:
    """Answer a question by the cheapest way that will do."""
    return Reply(await caller.engine.pattern_execute(asked))


@router.post("/execute/batch", **answers(BatchReply, "write"))
async def execute_batch(asked: Batch, caller: Calling) -> Reply:
    """Answer several questions side by side, within one token budget."""
    engine = caller.engine
    return Reply(await engine.pattern_execute_many(asked.queries, token_budget=asked.token_budget))


@router.post("/match", **answers(Matched, "read"))
async def match(asked: ExecuteRequest, caller: Calling) -> Reply:
    """Say which pattern a question means; nothing is run."""
    found, why = await _looked_at(asked, caller)
    return Reply(Matched(**dict(found), why=why.match, closest=why.closest))


@router.post("/route", **answers(Routed, "read"))
async def route(asked: ExecuteRequest, caller: Calling) -> Reply:
    """Say by which route a question would be answered; nothing is run."""
    found, why = await _looked_at(asked, caller)
    return Reply(Routed(**dict(found), why=why.route, alternatives=why.alternatives))


async def _looked_at(asked: ExecuteRequest, caller: Caller) -> tuple[ExecuteReply, Explanation]:
    """Return what would be done, of which a reply takes the fields that it has, and why."""
    looking = asked.model_copy(update={"dry_run": True, "explain": True})
    found = await caller.engine.pattern_execute(looking)
    assert found.explanation is not None
    return found, found.explanation
