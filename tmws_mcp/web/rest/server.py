"""The server itself: its state and figures, what it shares, and all that it keeps."""

import tempfile
from collections.abc import Iterator
from functools import partial
from typing import IO, Annotated

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from tmws_mcp.model import Namespace, Request, Statistics, Status
from tmws_mcp.model.base import Name
from tmws_mcp.model.federation import FederationReport, ForgottenEverywhere
from tmws_mcp.model.learning import LongText
from tmws_mcp.web.answering import API, LINES, Calling, EngineRoute, Reply, Where, answers, lines

router = APIRouter(prefix=API, route_class=EngineRoute, tags=["server"])

MEMORY_BYTES_MAX = 1024 * 1024
"""An export beyond this waits in a file."""
CHUNK_BYTES = 64 * 1024


class ForgetEverywhere(Request):
    """What every instance is to forget: exactly one of the first four."""

    pattern: Name = ""
    task: LongText = ""
    tool: Name = ""
    actor: Name = ""
    namespace: Namespace = ""


@router.get("/status", **answers(Status, "read"))
async def status(caller: Calling) -> Reply:
    """Say whether this server can do its work, and in which tier."""
    return Reply(await caller.engine.status())


@router.get("/statistics", **answers(Statistics, "read"))
async def statistics(caller: Calling, namespace: Where = "") -> Reply:
    """Say how much is stored, learned and executed."""
    return Reply(await caller.engine.statistics(namespace))


@router.get("/federation", **answers(FederationReport, "read"))
async def federation(caller: Calling) -> Reply:
    """Say what is shared with other instances, and how far all are in step."""
    return Reply(await caller.engine.federation.report())


@router.post("/federation/sync", **answers(FederationReport, "admin"))
async def sync(caller: Calling) -> Reply:
    """Agree with the hub now."""
    return Reply(await caller.engine.federation.sync())


@router.post("/federation/forget", **answers(ForgottenEverywhere, "admin"))
async def forget_everywhere(asked: ForgetEverywhere, caller: Calling) -> Reply:
    """Forget on every instance; it cannot be undone."""
    return Reply(await caller.engine.federation.forget(**asked.model_dump()))


@router.get("/export/memories", **lines("admin"))
async def export_memories(
    caller: Calling,
    namespace: Annotated[list[Namespace], Query(max_length=100)] = [],  # noqa: B006
    forgotten: Annotated[bool, Query(description="With what can be brought back")] = False,  # noqa: FBT002
) -> StreamingResponse:
    """Give memories as JSON lines, one snapshot; by default of all namespaces of the token."""
    file = tempfile.SpooledTemporaryFile(MEMORY_BYTES_MAX, "w+", encoding="utf-8")  # noqa: SIM115
    try:
        await caller.engine.keeping.export(file.write, tuple(namespace), forgotten=forgotten)
    except BaseException:
        file.close()
        raise
    return StreamingResponse(_chunks(file), media_type=LINES)


@router.get("/export/learned", **lines("admin"))
async def export_learned(caller: Calling, namespace: Where = "") -> StreamingResponse:
    """Give learned patterns with their counts as JSON lines."""
    found = await caller.engine.manage.export(namespace=namespace)
    return StreamingResponse((f"{line}\n" for line in found), media_type=LINES)


def _chunks(file: IO[str]) -> Iterator[str]:
    with file:
        file.seek(0)
        yield from iter(partial(file.read, CHUNK_BYTES), "")
