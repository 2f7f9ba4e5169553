"""Steps of the memory as requests, and the replies as what a step brings."""

from pydantic import JsonValue

from tmws_mcp.model import (
    JsonObject,
    RecallReply,
    RecommendReply,
    RecommendRequest,
    StoreReply,
    StoreRequest,
)
from tmws_mcp.model.memory import RECALL_LIMIT_MAX, FocusedRequest
from tmws_mcp.patterns.parts import Call, Found
from tmws_mcp.patterns.period import period
from tmws_mcp.patterns.steps import RecallStep, RecommendStep, StoreStep
from tmws_mcp.patterns.templates import fill, fill_value

# What a reader needs of a memory; its id gives the rest.
MEMORY_KEYS = frozenset(
    {"id", "content", "score", "created_at", "occurred_at", "persona"}
    | {"speaker", "thread", "source", "passage", "superseded_by"}
)


def recall_request(step: RecallStep, call: Call) -> FocusedRequest:
    """Return the request of a recall step."""
    values = call.arguments
    when = period(fill(step.during, values), call.now)
    return FocusedRequest(
        query=fill(step.recall, values),
        limit=min(step.limit * call.times, RECALL_LIMIT_MAX),
        focus=step.focus if call.focused else 0.0,
        token_budget=call.tokens,
        min_score=step.min_score,
        namespace=call.namespace,
        persona=fill(step.persona, values),
        speaker=fill(step.speaker, values),
        thread=fill(step.thread, values),
        tags=tuple(fill(tag, values) for tag in step.tags),
        tags_any=tuple(fill(tag, values) for tag in step.tags_any),
        kinds=step.kinds,
        since=when.since,
        until=when.until,
    )


def store_request(step: StoreStep, call: Call) -> StoreRequest:
    """Return the request of a step that stores."""
    values = call.arguments
    return StoreRequest(
        content=fill(step.store, values),
        tags=tuple(fill(tag, values) for tag in step.tags),
        kind=step.kind,
        importance=step.importance,
        namespace=call.namespace,
        persona=fill(step.persona, values),
        source=fill(step.source, values),
        thread=fill(step.thread, values),
        speaker=fill(step.speaker, values),
    )


def recalled(reply: RecallReply) -> Found:
    """Return what was recalled, as far as a reader needs it."""
    memories: list[JsonValue] = []
    for memory in reply.memories:
        elsewhere = {"namespace"} if memory.namespace != reply.scope.namespace else set()
        keys = {*MEMORY_KEYS, *elsewhere}
        memories.append(memory.model_dump(mode="json", include=keys, exclude_defaults=True))
    value: JsonObject = {"memories": memories}
    if reply.tier == "lexical":
        value["tier"] = reply.tier
    if reply.note:
        value["note"] = reply.note
    return Found(value, reply.omitted)


def stored(reply: StoreReply) -> Found:
    """Return what became of what was to be stored."""
    usual = {"scope", "created"} if reply.created else {"scope"}
    return Found(reply.model_dump(mode="json", exclude=usual, exclude_defaults=True))


def recommended(reply: RecommendReply) -> Found:
    """Return what was recommended, or why nothing was."""
    value = reply.model_dump(
        mode="json", include={"recommendations", "abstained"}, exclude_none=True
    )
    if reply.abstained is False:
        del value["abstained"]
    return Found(value)


def recommend_request(step: RecommendStep, call: Call) -> RecommendRequest:
    """Return the request of a step that asks what was learned."""
    wanted = fill_value(step.recommend.model_dump(), call.arguments)
    assert isinstance(wanted, dict)
    return RecommendRequest.model_validate(wanted | {"namespace": call.namespace})
