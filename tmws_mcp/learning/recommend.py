"""What to do next, with the reason: from the counts, and never without them."""

from collections.abc import Mapping

from tmws_mcp.learning import asking, next_tool, text, variants, workflow
from tmws_mcp.learning.answers import Answer
from tmws_mcp.learning.asking import Asked
from tmws_mcp.learning.experts import EXPERTS, Expert
from tmws_mcp.learning.view import Shelf, View
from tmws_mcp.model import Recommendation, RecommendReply, RecommendRequest, Scope
from tmws_mcp.store import namespaces
from tmws_mcp.store.driver import Connection
from tmws_mcp.tokens import estimate_tokens


def recommend(
    db: Connection,
    request: RecommendRequest,
    scope: Scope,
    *,
    connection: str,
    now: float,
    shelf: Shelf | None = None,
    experts: Mapping[str, Expert] = EXPERTS,
) -> RecommendReply:
    """Recommend what is asked for, or abstain and say why."""
    standing = namespaces.standing(db, scope.namespace)
    if standing is None:
        scope = namespaces.with_known(db, scope)
        return _reply(Answer(reason="Nothing was observed in this namespace yet."), scope)
    view = View(db, standing.ns, shelf, standing.generations)
    if view.outcomes.is_empty():
        return _reply(Answer(reason="Nothing was observed in this namespace yet."), scope)
    asked = asking.asked(view, request, connection=connection, now=now, experts=experts)
    return _reply(_sure_enough(_answer(db, asked), request), scope)


def _answer(db: Connection, asked: Asked) -> Answer:
    match asked.want:
        case "recover":
            return next_tool.recover(asked)
        case "workflow":
            return workflow.recommend(db, asked)
        case "variant":
            return variants.recommend(db, asked)
        case "start":
            # A whole sequence says more than a first tool, but one step in progress has none yet.
            answer = workflow.recommend(db, asked)
            return answer if answer.recommendations else next_tool.begin(asked)
        case _:
            return next_tool.following(asked)


def _sure_enough(answer: Answer, request: RecommendRequest) -> Answer:
    kept = tuple(one for one in answer.recommendations if one.confidence >= request.min_confidence)[
        : request.limit
    ]
    if kept or not answer.recommendations:
        return Answer(kept, answer.reason)
    best = max(answer.recommendations, key=lambda one: one.confidence)
    return Answer(
        reason=f"The best candidate, {_named(best)}, has confidence {best.confidence:.2f}, "
        f"below min_confidence {request.min_confidence:g}."
    )


def _named(recommendation: Recommendation) -> str:
    action = recommendation.action
    return action if isinstance(action, str) else " > ".join(action)


def _reply(answer: Answer, scope: Scope) -> RecommendReply:
    reply = RecommendReply(
        recommendations=answer.recommendations,
        abstained=False if answer.recommendations else answer.reason,
        scope=scope,
    )
    return reply.model_copy(update={"tokens": estimate_tokens(text.recommend_text(reply))})
