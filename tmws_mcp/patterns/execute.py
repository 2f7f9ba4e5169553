"""Executing a pattern: choose the steps that the route leaves, run them, fit them to the budget."""

import json
import time
from collections.abc import Mapping
from math import ceil

from pydantic import JsonValue

from tmws_mcp.errors import NothingRan, PatternNotFound
from tmws_mcp.model import (
    Decision,
    ExecuteReply,
    ExecuteRequest,
    Explanation,
    Match,
    Scope,
)
from tmws_mcp.model.pattern import CacheLayer, Rendered
from tmws_mcp.patterns.arguments import refused
from tmws_mcp.patterns.definition import QUERY, Budget, Pattern
from tmws_mcp.patterns.parts import Call, Parts
from tmws_mcp.patterns.repeats import without_repeats
from tmws_mcp.patterns.run import Outcome, is_empty, run_steps
from tmws_mcp.patterns.shape import shape
from tmws_mcp.patterns.steps import RecallStep, Step
from tmws_mcp.patterns.templates import fill
from tmws_mcp.patterns.text import (
    PASSAGES,
    execute_text,
    failures_text,
    holds_passage,
    notes_text,
)
from tmws_mcp.tokens import estimate_tokens

__all__ = ["Parts", "as_cached", "execute", "is_whole"]

RECALLED = RecallStep(name="memory", recall=f"{{{QUERY}}}")
"""What runs where no pattern matches, and beside an action in a hybrid route."""
ADDED_LIMIT = 3
ROOM_MIN = 40
"""Tokens that results get however small the budget is."""


async def execute(
    pattern: Pattern | None,
    match: Match,
    decision: Decision,
    request: ExecuteRequest,
    scope: Scope,
    parts: Parts,
) -> ExecuteReply:
    """Return what the chosen steps found, within the budgets.

    Raises:
        PatternNotFound: No pattern matches, and there is nothing to recall either.
        NothingRan: Not one step could be run.
    """
    started = time.perf_counter()
    reply = _planned(pattern, match, decision, request, scope)
    if request.dry_run:
        return _told(reply, started)
    if not decision.runs:
        raise _nothing_to_run(pattern, match, request)
    steps = chosen_steps(pattern, decision)
    budget, given = _budget(pattern, request), arguments_of(pattern, match, request)
    declared = pattern.arguments if pattern else {}
    wrong, times = refused(declared, given), _times(pattern, request)
    call = Call(
        arguments={name: value for name, value in given.items() if name not in wrong},
        namespace=request.namespace,
        tokens=budget.tokens,
        milliseconds=budget.milliseconds,
        declared=declared,
        refused=wrong,
        times=times,
        focused=times == 1 and request.mode != "comprehensive",
        now=parts.clock(),
    )
    outcomes = await run_steps(steps, parts, call)
    if pattern is None and match.closest and _found_nothing(outcomes):
        # Whoever asked in vain is told which queries would have led somewhere.
        reply = reply.model_copy(update={"explanation": _explanation(match, decision)})
    return _told(_filled(reply, outcomes, budget.tokens, request.query), started)


def chosen_steps(pattern: Pattern | None, decision: Decision) -> tuple[Step, ...]:
    """Return the steps that the route leaves; a step goes with those that it waits for."""
    if pattern is None:
        return (RECALLED,)
    if decision.route == "hybrid" and pattern.route == "infrastructure":
        taken = {step.name for step in pattern.steps}
        name = next(f"{RECALLED.name}{n}" for n in ("", *range(2, 99)) if f"memory{n}" not in taken)
        return (*pattern.steps, RECALLED.model_copy(update={"name": name, "limit": ADDED_LIMIT}))
    chosen: dict[str, Step] = {}
    for step in pattern.steps:
        wanted = decision.route in ("hybrid", step.part)
        if wanted and all(name in chosen for name in step.after):
            chosen[step.name] = step
    return tuple(chosen.values())


def arguments_of(pattern: Pattern | None, match: Match, request: ExecuteRequest) -> dict[str, str]:
    """Return the values of names: the caller's context, else the query's groups, else defaults."""
    query = {QUERY: request.query}
    defaults = {
        name: fill(argument.default, query)
        for name, argument in (pattern.arguments.items() if pattern else ())
        if argument.default is not None
    }
    given = {name: _as_text(value) for name, value in request.context.items() if value is not None}
    return defaults | match.arguments | given | query


def _as_text(value: JsonValue) -> str:
    """Return a fact as a template is filled with it: what is no text, as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _budget(pattern: Pattern | None, request: ExecuteRequest) -> Budget:
    budget = pattern.budget if pattern else Budget()
    return budget.model_copy(update={"tokens": request.token_budget or budget.tokens})


def _times(pattern: Pattern | None, request: ExecuteRequest) -> int:
    """Return how many times as much as usual the caller has room for."""
    usual = (pattern.budget if pattern else Budget()).tokens
    return max(1, ceil((request.token_budget or usual) / usual))


def _planned(
    pattern: Pattern | None,
    match: Match,
    decision: Decision,
    request: ExecuteRequest,
    scope: Scope,
) -> ExecuteReply:
    """Return the reply as far as it is known before anything has run."""
    return ExecuteReply(
        pattern=pattern.id if pattern else None,
        route=decision.route,
        confidence=match.confidence if pattern else decision.confidence,
        matched_by=match.matched_by,
        result={},
        tokens=0,
        tokens_saved=0,
        ms=0.0,
        explanation=_explanation(match, decision) if request.explain or request.dry_run else None,
        scope=scope,
    )


def _explanation(match: Match, decision: Decision) -> Explanation:
    if match.pattern:
        how = "its examples" if match.matched_by == "semantic" else f"{match.matched_by} trigger"
        said = f"{match.pattern} by {how}, confidence {match.confidence:.2g}"
        if match.arguments:
            said += f", with {', '.join(sorted(match.arguments))} from the query"
    else:
        said = "no trigger of any pattern matches"
    said += f"; {match.why}" if match.why else ""
    return Explanation(
        match=said,
        route=f"{decision.route} ({decision.confidence:.2g}): {decision.why}",
        alternatives=decision.alternatives,
        closest=match.closest,
    )


def _nothing_to_run(
    pattern: Pattern | None, match: Match, request: ExecuteRequest
) -> PatternNotFound | NothingRan:
    if pattern is None:
        what = "pattern and no memory for"
        return PatternNotFound(request.query, closest=match.closest, what=what)
    return NothingRan(
        f"The actions of {pattern.id} ({', '.join(pattern.actions)}) cannot run here. "
        "The tool's dry_run explains the choice."
    )


def _filled(
    reply: ExecuteReply, outcomes: Mapping[str, Outcome], tokens: int, query: str
) -> ExecuteReply:
    """Return the reply with what the steps found, cut to the budget.

    Raises:
        NothingRan: No step found a value.
    """
    ran = {name: outcome for name, outcome in outcomes.items() if not outcome.skipped}
    reports = tuple(outcome.report(name) for name, outcome in ran.items())
    found = {name: o.found for name, o in ran.items() if o.found is not None}
    if not found:
        why = failures_text(reports) or "no step's condition held"
        raise NothingRan(f"Nothing of {reply.pattern or 'the recall'} could be run. {why}")
    reply = reply.model_copy(update={"steps": reports})
    results = without_repeats({name: item.value for name, item in found.items()})
    said = execute_text(reply.model_copy(update={"shortened": 1, "omitted": 1}))
    said += notes_text(results)
    said += f"\n{PASSAGES}" if holds_passage(results) else ""
    room = tokens - estimate_tokens(said)
    shaped = shape(results, max(room, ROOM_MIN), query)
    omitted = shaped.omitted + sum(item.omitted for item in found.values())
    return reply.model_copy(
        update={
            "result": shaped.results,
            "omitted": omitted,
            "shortened": shaped.shortened,
            "tokens_saved": shaped.tokens_found,  # less the reply's own tokens: see _told
        }
    )


def _found_nothing(outcomes: Mapping[str, Outcome]) -> bool:
    return all(o.found is None or is_empty(o.found.value) for o in outcomes.values())


def _told(reply: ExecuteReply, started: float) -> ExecuteReply:
    """Return the reply with the time that it took and the tokens that its text has."""
    reply = reply.model_copy(update={"ms": round((time.perf_counter() - started) * 1000, 2)})
    tokens = estimate_tokens(execute_text(reply))
    saved = max(0, reply.tokens_saved - tokens)
    return reply.model_copy(update={"tokens": tokens, "tokens_saved": saved})


def is_whole(reply: ExecuteReply) -> bool:
    """Whether nothing failed: half an answer is not kept."""
    return all(step.ok for step in reply.steps)


def as_cached(reply: ExecuteReply, layer: CacheLayer, ms: float) -> ExecuteReply:
    """Return a reply that was kept, as it is given again."""
    changed = {"cached": layer, "ms": round(ms, 3), "rendered": Rendered()}
    again = reply.model_copy(update=changed)
    return again.model_copy(update={"tokens": estimate_tokens(execute_text(again))})
