"""Which tool next, and which tool after an error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import floor

from tmws_mcp.learning import posterior, repairs, wording
from tmws_mcp.learning.answers import Answer
from tmws_mcp.learning.asking import Asked
from tmws_mcp.learning.blend import Blend, blend_asked, trusts_new
from tmws_mcp.learning.calibration import calibrated
from tmws_mcp.learning.counting import ALL, EVERYWHERE, REPAIR, TASK, TASK_TOOL, TOOL
from tmws_mcp.learning.identity import pattern_id
from tmws_mcp.learning.kinds import error_recovery, tool_usage
from tmws_mcp.learning.learned import evidence_of
from tmws_mcp.learning.view import View
from tmws_mcp.model import JsonObject, Recommendation
from tmws_mcp.store.evidence import Tally
from tmws_mcp.store.observations import Step

CONFIDENCE_UNITS = 10_000
"""Confidences are cut to this part of 1, so that rounding makes no sum greater than 1."""
VOICES_OF_TASK = ("task", "similar")
REASONS = {
    "ngram": "usual here",
    "skip": "usual here",
    "repeat": "last tool again",
    "similar": "next in runs like this",
    "agenda": "still to do in runs like this",
    "company": "used in runs like this",
    "task": "used on this task",
    "vocabulary": "used for such words",
    "session": "used in this session",
    "usage": "used in this session",
    "recovery": "ended such errors",
    "after_error": "tried after such errors",
    "names": "named like the task",
    "place": "next in your list",
    "common": "much used",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a tool in a case."""

    levels: Sequence[Tally]
    """From all tools to this tool in this very case."""
    shown: Tally
    """The counts that the recommendation stands on."""
    rest: Tally | None
    where: str = ""
    """Which case the shown counts are of, where it is not the one at hand."""
    definition: JsonObject | None = None
    """Of the learned pattern behind it."""


def following(asked: Asked) -> Answer:
    """Recommend the tools that are most likely the right next ones."""
    mixed = _blended(asked)
    return _answer(asked, mixed, list(mixed.shares))


def begin(asked: Asked) -> Answer:
    """Recommend tools for a task that is about to begin, from evidence on such tasks alone."""
    mixed = _blended(asked)
    known = {
        tool for name in VOICES_OF_TASK if name in mixed.board.forecasts
        for tool in mixed.board.forecasts[name].shares
    }  # fmt: skip
    if not known:
        return Answer(reason=_why_not(asked))
    return _answer(asked, mixed, [tool for tool in mixed.shares if tool in known])


def _blended(asked: Asked) -> Blend:
    """Return what the experts expect, best first, with shares that are probabilities."""
    mixed = blend_asked(asked.view, asked.case, asked.view.weights(), asked.experts)
    return replace(mixed, shares=calibrated(asked.view, asked.case, mixed.shares))


def _why_not(asked: Asked) -> str:
    done = asked.view.outcomes.tally(TASK, asked.case.task, "")
    if done.n:
        return (
            f"This task {wording.worked(done)}, but which tool was used was never said. "
            "Observe it with tool_used."
        )
    return "No task like this one was observed with a tool."


def recover(asked: Asked) -> Answer:
    """Recommend the tools that are most likely to repair the error."""
    steps = asked.case.steps
    if not steps or steps[-1].ok:
        return Answer(reason="Nothing failed here. Send error, or recent_steps that end with it.")
    mixed = _blended(asked)
    if not steps[-1].tool and not _is_known(asked.view, steps[-1]):
        return Answer(reason="No error like this one was repaired yet.")
    return _answer(asked, mixed, list(mixed.shares))


def _is_known(view: View, error: Step) -> bool:
    return any(view.tallies(REPAIR, key) for key in repairs.of_text(error))


def _answer(asked: Asked, mixed: Blend, ranked: Sequence[str]) -> Answer:
    stands = _repair_standings(asked) if asked.case.want == "recover" else {}
    outcomes = asked.view.outcomes
    everything = outcomes.tally(*ALL)
    on_task = outcomes.tallies(TASK_TOOL, asked.case.task)
    new_too: bool | None = None
    chosen: dict[str, Standing] = {}
    for start in range(0, len(ranked), asked.limit):
        some = ranked[start : start + asked.limit]
        used = outcomes.tallies_of(TOOL, EVERYWHERE, some)
        for tool in some:
            standing = stands.get(tool) or _tool_standing(asked, tool, everything, used, on_task)
            if not standing.shown.n and new_too is None:
                new_too = trusts_new(asked.view)
            if (standing.shown.n or new_too) and len(chosen) < asked.limit:
                chosen[tool] = standing
        if len(chosen) == asked.limit:
            break
    found = _recommendations(asked, mixed, chosen)
    if not found and asked.case.available:
        return Answer(reason="There is no evidence for any of available_tools in this case yet.")
    return Answer(found)


def _tool_standing(
    asked: Asked,
    tool: str,
    everything: Tally,
    every_task: Mapping[str, Tally],
    on_task: Mapping[str, Tally],
) -> Standing:
    used = every_task[tool]
    if own := on_task.get(tool):
        definition = tool_usage.definition(asked.case.task, asked.task, tool)
        rest = _rest(_total(on_task), own)
        return Standing((everything, used, own), own, rest, definition=definition)
    if used.n:
        return Standing((everything, used), used, _rest(everything, used), where=" overall")
    told = [step for step in asked.case.steps if step.tool == tool]
    shown = Tally(n=len(told), ok=sum(step.ok for step in told))
    return Standing((everything, shown), shown, None, where=" in this session")


def _repair_standings(asked: Asked) -> dict[str, Standing]:
    """Return how well each tool repaired such errors, at the most particular level it is known."""
    error = asked.case.steps[-1]
    keys = repairs.asked_keys(error)
    levels = [asked.view.tallies(REPAIR, key) for key in keys]
    totals = [_total(level) for level in levels]
    places = _places(error, len(keys))
    found: dict[str, Standing] = {}
    for tool in {tool for level in levels for tool in level}:
        known = [number for number, level in enumerate(levels) if tool in level]
        deepest = known[-1]
        found[tool] = Standing(
            [levels[number][tool] for number in known],
            levels[deepest][tool],
            _rest(totals[deepest], levels[deepest][tool]),
            where=places[deepest],
            definition=error_recovery.definition(error, tool),
        )
    return found


def _total(tallies: Mapping[str, Tally]) -> Tally:
    return Tally(
        n=sum(tally.n for tally in tallies.values()), ok=sum(tally.ok for tally in tallies.values())
    )


def _rest(total: Tally, own: Tally) -> Tally:
    """Return how the alternatives did; adding them up for each tool would cost the square."""
    return Tally(n=total.n - own.n, ok=total.ok - own.ok)


def _places(error: Step, levels: int) -> tuple[str, ...]:
    """Return what the levels of repairs.asked_keys are called."""
    kind = (error.error_class or "other").replace("_", " ")
    named: tuple[str, ...]
    if error.tool:
        named = (
            " after any error",
            f" after errors of {error.tool}",
            f" after {kind} errors of {error.tool}",
            " after this error",
        )
    else:
        named = (" after any error", f" after {kind} errors", " after this error")
    assert levels <= len(named)
    return named


def _recommendations(
    asked: Asked, mixed: Blend, chosen: Mapping[str, Standing]
) -> tuple[Recommendation, ...]:
    kind = error_recovery.KIND if asked.case.want == "recover" else tool_usage.KIND
    ids = {
        tool: pattern_id(kind, standing.definition)
        for tool, standing in chosen.items()
        if standing.definition is not None
    }
    kept = asked.view.outcomes.patterns(tuple(ids.values()))
    return tuple(
        _recommendation(mixed, tool, standing, ids[tool] if ids.get(tool) in kept else None)
        for tool, standing in chosen.items()
    )


def _recommendation(
    mixed: Blend, tool: str, standing: Standing, behind: str | None
) -> Recommendation:
    known = standing.shown.n > 0
    return Recommendation(
        action=tool,
        kind="tool",
        confidence=floor(CONFIDENCE_UNITS * mixed.shares[tool]) / CONFIDENCE_UNITS,
        success_rate=round(posterior.mean(standing.levels), 3) if known else None,
        why=_why(mixed, tool, standing),
        pattern_id=behind,
        evidence=evidence_of(standing.shown, standing.rest),
    )


def _why(mixed: Blend, tool: str, standing: Standing) -> str:
    voice = mixed.voice(tool)
    if not standing.shown.n:
        return f"{REASONS[voice]}; never used here"
    if not standing.shown.last_at:  # told with the question, never observed
        return f"{REASONS[voice]}; {standing.shown.ok} of {standing.shown.n} ok in this session"
    return (
        f"{REASONS[voice]}; {wording.worked(standing.shown)}{standing.where}"
        f"{wording.without(standing.rest)}"
    )
