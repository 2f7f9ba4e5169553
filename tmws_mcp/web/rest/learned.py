"""Learned patterns: listed, judged, promoted, forgotten and brought back."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Query

from tmws_mcp.learning import judging
from tmws_mcp.model import (
    LearnedKind,
    LearnedPattern,
    Namespace,
    ObserveReply,
    ObserveRequest,
    RegisterReply,
    Request,
)
from tmws_mcp.model.base import Moment, Name
from tmws_mcp.model.learned import ForgetLearnedReply, Promotion, UndoLearnedReply
from tmws_mcp.model.learning import LISTED_MAX, Judgement
from tmws_mcp.web.answering import API, Calling, EngineRoute, Items, Reply, Where, answers, listed

router = APIRouter(prefix=f"{API}/learned", route_class=EngineRoute, tags=["learned patterns"])
CREATED = 201


class Undo(Request):
    """What is to be brought back, as the reply to forgetting named it."""

    undo: Name
    namespace: Namespace = ""


@router.get("", **answers(Items[LearnedPattern], "read"))
async def learned(
    caller: Calling,
    kind: LearnedKind | None = None,
    tool: Annotated[Name, Query(description="Tool or method that it names")] = "",
    since: Moment | None = None,
    min_support: Annotated[int, Query(ge=0, le=2**31)] = 0,
    limit: Annotated[int, Query(ge=1, le=LISTED_MAX)] = 200,
    namespace: Where = "",
) -> Reply:
    """List learned patterns, the newest first."""
    wanted = {
        "kind": kind, "tool": tool, "since": since, "min_support": min_support, "limit": limit,
    }  # fmt: skip
    return listed(await caller.engine.learned(wanted, namespace))


@router.post("/undo", **answers(UndoLearnedReply, "write"))
async def undo(asked: Undo, caller: Calling) -> Reply:
    """Bring back what was forgotten."""
    return Reply(await caller.engine.manage.undo(asked.undo, asked.namespace))


@router.get("/{pattern_id}", **answers(LearnedPattern, "read"))
async def read(pattern_id: str, caller: Calling, namespace: Where = "") -> Reply:
    """Read one learned pattern with its evidence."""
    return Reply(await caller.engine.learned_pattern(pattern_id, namespace))


@router.delete("/{pattern_id}", **answers(ForgetLearnedReply, "write"))
async def forget(
    pattern_id: str,
    caller: Calling,
    namespace: Where = "",
    erase: Annotated[bool, Query(description="At once: it cannot be brought back")] = False,  # noqa: FBT002
) -> Reply:
    """Forget one learned pattern."""
    asked = {"pattern": pattern_id, "erase": erase, "namespace": namespace}
    return Reply(await caller.engine.manage.forget(asked))


@router.post("/{pattern_id}/outcomes", **answers(ObserveReply, "write", status=CREATED))
async def judge(pattern_id: str, asked: Judgement, caller: Calling) -> Reply:
    """Say how it went to do as a learned pattern says; counted as a session that did so."""
    found = await caller.engine.learned_pattern(pattern_id, asked.namespace)
    steps = judging.steps(found, asked, f"judged-{secrets.token_hex(8)}")
    request = ObserveRequest(interactions=steps, namespace=asked.namespace)
    return Reply(
        await caller.engine.observe_interaction(request, connection=caller.connection), CREATED
    )


@router.get("/{pattern_id}/promotion", **answers(Promotion, "read"))
async def promotion(pattern_id: str, caller: Calling, namespace: Where = "") -> Reply:
    """Show the authored pattern that it would become; nothing is written."""
    return Reply(await caller.engine.manage.promotion(pattern_id, namespace))


@router.post(
    "/{pattern_id}/promotion", **answers(RegisterReply, "admin", everywhere=True, status=CREATED)
)
async def promote(pattern_id: str, caller: Calling, namespace: Where = "") -> Reply:
    """Make it an authored pattern, which `execute` then runs."""
    return Reply(await caller.engine.promote_pattern(pattern_id, namespace), CREATED)
