"""Memories: stored, found, read, edited, forgotten and brought back."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from tmws_mcp.engine.memories import BULK_MAX
from tmws_mcp.errors import InvalidInput
from tmws_mcp.model import (
    EditRequest,
    ForgetReply,
    ForgetRequest,
    Memory,
    MemoryKind,
    Namespace,
    RecallReply,
    RecallRequest,
    Request,
    StoreReply,
    StoreRequest,
)
from tmws_mcp.model.memory import CURSOR_CHARS_MAX, RECALL_LIMIT_MAX, TOKEN_BUDGET_MAX
from tmws_mcp.web.answering import API, Calling, EngineRoute, Items, Reply, Where, answers

router = APIRouter(prefix=f"{API}/memories", route_class=EngineRoute, tags=["memories"])
CREATED = 201


class StoreBatch(Request):
    """Memories of one namespace; all are stored, or none is."""

    memories: Annotated[tuple[StoreRequest, ...], Field(min_length=1, max_length=BULK_MAX)]
    namespace: Namespace = ""


@router.post("", **answers(StoreReply, "write", status=CREATED))
async def store(asked: StoreRequest, caller: Calling) -> Reply:
    """Remember something; a duplicate answers with the id of the first."""
    reply = await caller.engine.store_memory(asked, via="rest", client=caller.client)
    return Reply(reply, CREATED)


@router.post("/batch", **answers(Items[StoreReply], "write", status=CREATED))
async def store_batch(asked: StoreBatch, caller: Calling) -> Reply:
    """Remember many things of one namespace in one transaction."""
    if any(one.namespace not in ("", asked.namespace) for one in asked.memories):
        raise InvalidInput("A batch has one namespace: name it once, beside `memories`.")
    stored = await caller.engine.store_memories(asked.memories, asked.namespace)
    return Reply(Items[StoreReply](items=tuple(stored)), CREATED)


@router.get("", **answers(RecallReply, "read"))
async def newest(
    caller: Calling,
    namespace: Where = "",
    limit: Annotated[int, Query(ge=1, le=RECALL_LIMIT_MAX)] = 20,
    cursor: Annotated[str, Query(max_length=CURSOR_CHARS_MAX)] = "",
    tag: Annotated[list[str], Query(max_length=32, description="All of them")] = [],  # noqa: B006
    kind: Annotated[list[MemoryKind], Query(max_length=3)] = [],  # noqa: B006
) -> Reply:
    """List the newest memories, as many as fit; the cursor gives more."""
    asked = {
        "namespace": namespace, "limit": limit, "cursor": cursor, "tags": tag, "kinds": kind,
        "token_budget": TOKEN_BUDGET_MAX,
    }  # fmt: skip
    return Reply(await caller.engine.recall_memory(asked))


@router.post("/search", **answers(RecallReply, "read"))
async def search(asked: RecallRequest, caller: Calling) -> Reply:
    """Find what answers a query, within a token budget."""
    return Reply(await caller.engine.recall_memory(asked))


@router.post("/forget", **answers(ForgetReply, "write"))
async def forget(asked: ForgetRequest, caller: Calling) -> Reply:
    """Forget by ids or by a query, or bring back."""
    return Reply(await caller.engine.forget_memory(asked))


@router.get("/{memory_id}", **answers(Memory, "read"))
async def read(memory_id: str, caller: Calling, namespace: Where = "") -> Reply:
    """Read one memory in full, with its links and versions."""
    return Reply(await caller.engine.memory(memory_id, namespace))


@router.patch("/{memory_id}", **answers(Memory, "write"))
async def edit(memory_id: str, asked: EditRequest, caller: Calling) -> Reply:
    """Change what stands around the text; a new text is a memory that supersedes this one."""
    return Reply(await caller.engine.edit_memory(memory_id, asked))


@router.delete("/{memory_id}", **answers(ForgetReply, "write"))
async def forget_one(memory_id: str, caller: Calling, namespace: Where = "") -> Reply:
    """Forget one memory; it can be brought back until `undo_until`."""
    return Reply(await caller.engine.forget_memory({"ids": [memory_id], "namespace": namespace}))


@router.post("/{memory_id}/restore", **answers(ForgetReply, "write"))
async def restore(memory_id: str, caller: Calling, namespace: Where = "") -> Reply:
    """Bring back one memory that was forgotten."""
    return Reply(await caller.engine.forget_memory({"undo": [memory_id], "namespace": namespace}))
