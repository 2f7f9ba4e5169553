"""The replies as text: complete for a reader that sees nothing else, and short."""

from tmws_mcp.model import (
    ObserveReply,
    Recommendation,
    RecommendReply,
    Scope,
)


def observe_text(reply: ObserveReply) -> str:
    """Return what was observed and learned."""
    head = f"Observed {reply.observed} in session {reply.session_id} {_scope(reply.scope)}."
    if reply.paused:
        return f"{head} Nothing was recorded: {reply.paused}. No need to send it again."
    if not reply.observed:
        head += " A repeat: nothing was counted again."
    lines = [
        f"- {one.summary} [{one.kind} {one.pattern_id}, confidence {one.confidence:.2f}]"
        for one in reply.learned
    ]
    return "\n".join([head, *(["Learned:", *lines] if lines else [])])


def recommend_text(reply: RecommendReply) -> str:
    """Return the recommendations with their reasons, or why there are none."""
    if reply.abstained:
        known = reply.scope.known
        names = f" Known namespaces: {', '.join(known)}." if known else ""
        return f"No recommendation {_scope(reply.scope)}: {reply.abstained}{names}"
    first, *others = reply.recommendations
    lines = [
        f"1. {_action(first)}, {_figures(first)}: {first.why}{_behind(first)}",
        *(f"{number}. {_counted(other)}" for number, other in enumerate(others, start=2)),
    ]
    return "\n".join([*lines, _scope(reply.scope)])


def _counted(one: Recommendation) -> str:
    """An alternative: its counts, without the words; three full reasons would cost 180 tokens."""
    return f"{_action(one)}, confidence {one.confidence:.2f} ({_counts(one)}){_behind(one)}"


def _counts(one: Recommendation) -> str:
    shown = one.evidence
    if one.success_rate is None:
        return f"{shown.support} of unknown end" if shown.support else "never used here"
    return f"{shown.successes} of {shown.support}"


def _action(one: Recommendation) -> str:
    return one.action if isinstance(one.action, str) else " > ".join(one.action)


def _figures(one: Recommendation) -> str:
    rate = "" if one.success_rate is None else f", success {one.success_rate:.2f}"
    return f"confidence {one.confidence:.2f}{rate}"


def _behind(one: Recommendation) -> str:
    return f" [{one.pattern_id}]" if one.pattern_id else ""


def _scope(scope: Scope) -> str:
    return f"(namespace {scope.namespace})"
