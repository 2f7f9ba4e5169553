"""What the feed tells of a call: names, ids and figures, never a text that somebody sent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from tmws_mcp.engine.feed import Feed
from tmws_mcp.errors import TmwsError
from tmws_mcp.model import (
    ExecuteReply,
    ExecuteRequest,
    JsonObject,
    LearnedSummary,
    ObserveReply,
    ObserveRequest,
    RecommendReply,
    Scope,
)
from tmws_mcp.model.events import ALL, WatchRequest
from tmws_mcp.settings import Settings


def watched(settings: Settings, request: WatchRequest) -> tuple[str, ...] | None:
    """Return the namespaces that a request means; None: all."""
    if ALL in request.namespaces:
        return settings.namespaces or None
    if request.namespaces:
        return tuple(settings.scope(name).namespace for name in request.namespaces)
    scope = settings.scope()
    return (scope.namespace, *scope.also)


def observed(feed: Feed, request: ObserveRequest, reply: ObserveReply) -> None:
    """Tell that steps were observed, and what was learned from them."""
    if not reply.observed:
        return
    feed.tell("observed", reply.scope.namespace, partial(_observed, request, reply))
    for one in reply.learned:
        feed.tell("learned", reply.scope.namespace, partial(_learned, one))


def _observed(request: ObserveRequest, reply: ObserveReply) -> JsonObject:
    told: JsonObject = {"observed": reply.observed, "session_id": reply.session_id}
    if tool := request.tool_used or request.method:
        told |= {"tool": tool, "success": request.success}
    return told


def _learned(one: LearnedSummary) -> JsonObject:
    return one.model_dump(mode="json", include={"kind", "pattern_id", "confidence", "support"})


def recommended(feed: Feed, reply: RecommendReply) -> None:
    """Tell what was recommended, or that nothing was."""
    feed.tell("recommended", reply.scope.namespace, partial(_recommended, reply))


def _recommended(reply: RecommendReply) -> JsonObject:
    shown = {"action", "kind", "confidence", "pattern_id"}
    return {
        "recommendations": [
            one.model_dump(mode="json", include=shown, exclude_none=True)
            for one in reply.recommendations
        ],
        "abstained": bool(reply.abstained),
    }


@contextmanager
def execution(
    feed: Feed, scope: Scope, request: ExecuteRequest
) -> Iterator[Callable[[ExecuteReply], None]]:
    """Tell how a query was answered, once the block hands over the reply, or that it was not."""

    def answered(reply: ExecuteReply) -> None:
        if not request.dry_run:
            feed.tell("executed", scope.namespace, partial(_executed, reply))

    try:
        yield answered
    except TmwsError as error:
        name = type(error).__name__
        feed.tell("executed", scope.namespace, lambda: {"error": name})
        raise


def _executed(reply: ExecuteReply) -> JsonObject:
    """Return which pattern answered, by which route, and what it cost."""
    shown = {"pattern", "route", "matched_by", "confidence", "cached", "tokens", "tokens_saved"}
    told: JsonObject = reply.model_dump(mode="json", include=shown)
    told["failed"] = [step.name for step in reply.steps if not step.ok]
    return told | {"ms": round(reply.ms, 2)}
