"""REST: what the tools do, for programs that speak no MCP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from tmws_mcp.engine import Engine
from tmws_mcp.model import RecallReply, RecallRequest
from tmws_mcp.web.answering import EngineRoute, Reply, answers

router = APIRouter(prefix="/api/v1", route_class=EngineRoute)


async def engine_of(request: Request) -> Engine:
    """Return the engine; it opens with the first call."""
    engine: Engine = await request.app.state.engine.get()
    return engine


OpenEngine = Annotated[Engine, Depends(engine_of)]


@router.post("/memories/search", **answers(RecallReply))
async def search(asked: RecallRequest, engine: OpenEngine) -> Reply:
    """Find what answers a query, within a token budget."""
    return Reply(await engine.recall_memory(asked))
