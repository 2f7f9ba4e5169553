"""Authored patterns: listed, registered, judged, removed, and their versions."""

import json
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, JsonValue

from tmws_mcp.model import (
    Namespace,
    ObserveReply,
    ObserveRequest,
    PatternSummary,
    RegisterReply,
    RegisterRequest,
    Request,
    Value,
)
from tmws_mcp.model.learning import EvidenceSource, LongText
from tmws_mcp.web.answering import API, Calling, EngineRoute, Items, Reply, answers, listed

router = APIRouter(prefix=f"{API}/patterns", route_class=EngineRoute, tags=["patterns"])
CREATED = 201


class Outcome(Request):
    """How an execution of a pattern went, as somebody judges it."""

    success: bool
    task: LongText = ""
    error: LongText = ""
    execution_time: Annotated[float | None, Field(ge=0, le=31_536_000, description="Seconds")] = (
        None
    )
    evidence: EvidenceSource | None = None
    session_id: Annotated[str, Field(max_length=200)] = ""
    namespace: Namespace = ""


class PatternVersion(Value):
    """A definition, and since when it has served."""

    version: str
    at: float
    """Seconds since 1970."""
    definition: JsonValue


class Removed(Value):
    """What was removed."""

    id: str


@router.get("", **answers(Items[PatternSummary], "read"))
async def patterns(caller: Calling) -> Reply:
    """List the authored patterns."""
    return listed(await caller.engine.patterns())


@router.post("", **answers(RegisterReply, "admin", everywhere=True, status=CREATED))
async def register(asked: RegisterRequest, caller: Calling) -> Reply:
    """Save a pattern given as an object, where the settings allow it."""
    return Reply(await caller.engine.register_pattern(asked), CREATED)


@router.get("/{pattern_id}", **answers(PatternSummary, "read"))
async def pattern(pattern_id: str, caller: Calling) -> Reply:
    """Read one pattern, and how its executions went."""
    return Reply(await caller.engine.pattern(pattern_id))


@router.delete("/{pattern_id}", **answers(Removed, "admin", everywhere=True))
async def remove(pattern_id: str, caller: Calling) -> Reply:
    """Remove a pattern that was registered or promoted; its versions stay."""
    await caller.engine.remove_pattern(pattern_id)
    return Reply(Removed(id=pattern_id))


@router.post("/{pattern_id}/outcomes", **answers(ObserveReply, "write", status=CREATED))
async def report(pattern_id: str, asked: Outcome, caller: Calling) -> Reply:
    """Say how an execution of a pattern went: it counts as evidence for or against it."""
    known = await caller.engine.pattern(pattern_id)
    told = asked.model_dump(exclude_none=True)
    request = ObserveRequest(**told, tool_used="pattern_execute", method=known.id)
    return Reply(
        await caller.engine.observe_interaction(request, connection=caller.connection), CREATED
    )


@router.get("/{pattern_id}/versions", **answers(Items[PatternVersion], "read"))
async def versions(pattern_id: str, caller: Calling) -> Reply:
    """List the versions of a pattern that are kept, the one that serves now first."""
    found = await caller.engine.versions.history(pattern_id)
    return listed(
        PatternVersion(version=one.version, at=one.at, definition=json.loads(one.definition))
        for one in found
    )


@router.post(
    "/{pattern_id}/versions/{version}/restore",
    **answers(PatternSummary, "admin", everywhere=True),
)
async def restore(pattern_id: str, version: str, caller: Calling) -> Reply:
    """Have an older version serve again."""
    await caller.engine.versions.restore(pattern_id, version)
    return Reply(await caller.engine.pattern(pattern_id))
