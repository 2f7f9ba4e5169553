"""What was done, reported; and what proved itself, asked for."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from tmws_mcp.model import (
    Interaction,
    Namespace,
    ObserveReply,
    ObserveRequest,
    RecommendReply,
    RecommendRequest,
    Request,
)
from tmws_mcp.model.learning import INTERACTIONS_MAX
from tmws_mcp.web.answering import API, Calling, EngineRoute, Reply, answers

router = APIRouter(prefix=API, route_class=EngineRoute, tags=["observations"])
CREATED = 201


class ObserveBatch(Request):
    """Steps of one namespace, in the order in which they were taken."""

    interactions: Annotated[
        tuple[Interaction, ...], Field(min_length=1, max_length=INTERACTIONS_MAX)
    ]
    namespace: Namespace = ""


@router.post("/observations", **answers(ObserveReply, "write", status=CREATED))
async def observe(asked: ObserveRequest, caller: Calling) -> Reply:
    """Report a step; it is durable when this answers."""
    return Reply(
        await caller.engine.observe_interaction(asked, connection=caller.connection), CREATED
    )


@router.post("/observations/batch", **answers(ObserveReply, "write", status=CREATED))
async def observe_batch(asked: ObserveBatch, caller: Calling) -> Reply:
    """Report many steps in one transaction."""
    request = ObserveRequest(interactions=asked.interactions, namespace=asked.namespace)
    return Reply(
        await caller.engine.observe_interaction(request, connection=caller.connection), CREATED
    )


@router.post("/recommendations", **answers(RecommendReply, "read"))
async def recommend(asked: RecommendRequest, caller: Calling) -> Reply:
    """Say what has proved itself in a case like this, or why nothing can be said."""
    return Reply(await caller.engine.get_recommendations(asked, connection=caller.connection))
