"""Running steps: side by side where they can, each failure kept to itself.

A step starts when those that it needs have ended well. All share the pattern's time budget; what
is not done by then is given up and said. Steps that store are exempt from it and have a limit of
their own: a caller must not be told that something was not stored which then is.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import anyio
from pydantic import JsonValue, ValidationError

from tmws_mcp.errors import ActionError, TmwsError, ToolUnreachable
from tmws_mcp.model import JsonObject, StepReport
from tmws_mcp.patterns import progress
from tmws_mcp.patterns.commands import run_command_step
from tmws_mcp.patterns.parts import Call, Found, Parts
from tmws_mcp.patterns.passing import with_results
from tmws_mcp.patterns.pick import picked
from tmws_mcp.patterns.received import one_line, received
from tmws_mcp.patterns.requests import (
    recall_request,
    recalled,
    recommend_request,
    recommended,
    store_request,
    stored,
)
from tmws_mcp.patterns.steps import (
    ActionStep,
    CallStep,
    CommandStep,
    LookingStep,
    RecallStep,
    RecommendStep,
    Step,
    StoreStep,
)
from tmws_mcp.patterns.templates import UnknownName, typed_value
from tmws_mcp.telemetry import get_logger

STEP_MILLISECONDS_MAX = 30_000

log = get_logger("patterns")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended; `found` is None where it failed or had no reason to run.

    A call that is handed over has both: what to call, and that it was not run.
    """

    found: Found | None = None
    error: str | None = None
    ms: float = 0.0
    ran: bool = True

    @property
    def failed(self) -> bool:
        """Whether nothing can be built on it; a call that is handed over is left to the caller."""
        return self.found is None or self.found.failure is not None

    @property
    def skipped(self) -> bool:
        """Whether its condition did not hold."""
        return self.found is None and self.error is None

    def report(self, name: str) -> StepReport:
        """Return the line of the reply's `steps`."""
        return StepReport(
            name=name,
            ok=self.error is None,
            ms=round(self.ms, 2),
            error=self.error,
            ran=None if self.ran else False,
        )


async def run_steps(steps: Sequence[Step], parts: Parts, call: Call) -> dict[str, Outcome]:
    """Return the outcome of each step by its name, in the order of the steps."""
    ended = {step.name: anyio.Event() for step in steps}
    outcomes: dict[str, Outcome] = {}
    deadline = anyio.current_time() + call.milliseconds / 1000

    async def one(step: Step) -> None:
        for name in step.after:
            await ended[name].wait()
        outcomes[step.name] = await _outcome(step, outcomes, parts, call, deadline)
        ended[step.name].set()
        await progress.tell(len(outcomes), len(steps), step.name)

    async with anyio.create_task_group() as tasks:
        for step in steps:
            tasks.start_soon(one, step)
    return {step.name: outcomes[step.name] for step in steps}


async def _outcome(
    step: Step, earlier: Mapping[str, Outcome], parts: Parts, call: Call, deadline: float
) -> Outcome:
    if failed := [name for name in step.needs if earlier[name].failed]:
        reason = "was not run" if earlier[failed[0]].skipped else "failed"
        return Outcome(error=f"not run: it needs {failed[0]}, which {reason}", ran=False)
    if not _applies(step, earlier, call.arguments):
        return Outcome()
    started = time.perf_counter()
    try:
        found, error = await _within(step, parts, _informed(step, call, earlier), deadline)
    except ToolUnreachable as unreachable:
        assert isinstance(step, CallStep)
        return await _handed_over(step, call, unreachable)
    error = error or (found.failure if found else None)
    return Outcome(found, error, (time.perf_counter() - started) * 1000)


def _informed(step: Step, call: Call, earlier: Mapping[str, Outcome]) -> Call:
    """Return the call with what the step needs of others as further arguments."""
    if not (step.takes_results and step.needs):
        return call
    results = ((name, found.value) for name in step.needs if (found := earlier[name].found))
    return replace(call, arguments=with_results(call.arguments, results))


async def _handed_over(step: CallStep, call: Call, why: ToolUnreachable) -> Outcome:
    """Return the filled call for the caller to make: no server here has such a tool."""
    found, error = await _attempt(lambda: _filled_call(step, call), step, call)
    said = f"not run: {str(why).rstrip('.')}; call it yourself as shown"
    return Outcome(found, error or said, ran=False)


def _applies(step: Step, earlier: Mapping[str, Outcome], arguments: Mapping[str, str]) -> bool:
    """Whether the step's conditions hold; a step that failed found nothing."""
    if step.when and not arguments.get(step.when):
        return False
    if step.unless and arguments.get(step.unless):
        return False
    if step.if_empty is None:
        return True
    before = earlier[step.if_empty].found
    return before is None or is_empty(before.value)


def is_empty(value: JsonValue) -> bool:
    """Whether a step found nothing, beside notes on why.

    >>> is_empty({"memories": [], "note": "none yet"})
    True
    """
    if isinstance(value, dict):
        lists = [item for item in value.values() if isinstance(item, list)]
        return not value or (bool(lists) and not any(lists))
    return value in (None, "", [])


async def _within(
    step: Step, parts: Parts, call: Call, deadline: float
) -> tuple[Found | None, str | None]:
    """Run a step within its own limit and, unless it stores, the pattern's."""
    now, own = anyio.current_time(), step.milliseconds or STEP_MILLISECONDS_MAX
    limit = now + own / 1000
    if not isinstance(step, StoreStep):
        limit = min(limit, deadline)
    with anyio.CancelScope(deadline=limit) as scope:
        found, error = await _attempt(lambda: _sound(step, parts, call), step, call)
        return found, error
    assert scope.cancelled_caught
    if limit == deadline:
        return None, f"took longer than the {call.milliseconds} ms of the pattern's budget"
    return None, f"took longer than the step's {own} ms"


async def _attempt(
    work: Callable[[], Awaitable[Found]], step: Step, call: Call
) -> tuple[Found | None, str | None]:
    try:
        return await work(), None
    except UnknownName as error:
        name = error.args[0]
        return None, call.refused.get(name, f"{name!r} is not known; give it in `context`")
    except ValidationError as error:
        return None, "; ".join(f"{_dotted(e['loc'])}: {e['msg']}" for e in error.errors()[:3])
    except TmwsError as error:
        if isinstance(error, ToolUnreachable) and isinstance(step, CallStep):
            raise  # the caller may have a way to it
        return None, one_line(str(error))
    except Exception as error:
        log.exception("patterns.step_crashed", step=step.name)
        return None, f"failed unexpectedly ({type(error).__name__}); the server's log has more"


async def _sound(step: Step, parts: Parts, call: Call) -> Found:
    """Run a step; what it brings from outside is picked from, and made sound."""
    found = await _run(step, parts, call)
    if not isinstance(step, LookingStep):
        return found
    if step.pick or step.cut:
        found = picked(found, step.pick, step.cut)
    failure = found.failure and one_line(found.failure)
    return replace(found, value=received(found.value), failure=failure)


async def _run(step: Step, parts: Parts, call: Call) -> Found:
    match step:
        case ActionStep():
            return await _act(step, parts, call)
        case CallStep():
            return await _call(step, parts, call)
        case CommandStep():
            return await run_command_step(step, parts, call)
        case RecallStep():
            return recalled(await parts.recall(recall_request(step, call)))
        case StoreStep():
            return stored(await parts.remember(store_request(step, call)))
        case RecommendStep():
            return recommended(await parts.recommend(recommend_request(step, call)))


async def _act(step: ActionStep, parts: Parts, call: Call) -> Found:
    action = parts.actions.get(step.action)
    if action is None:
        known = ", ".join(sorted(parts.actions))
        raise ActionError(f"There is no action {step.action!r}; known are {known}.")
    return Found(await action.run(_arguments(step, call), parts.workspace))


async def _call(step: CallStep, parts: Parts, call: Call) -> Found:
    if parts.call is None:
        raise ToolUnreachable(f"no tool {step.call!r} can be reached from here")
    return Found(await parts.call(step.call, _arguments(step, call)))


async def _filled_call(step: CallStep, call: Call) -> Found:
    return Found({"call": step.call, "with": _arguments(step, call)})


def _arguments(step: ActionStep | CallStep, call: Call) -> JsonObject:
    arguments = typed_value(step.with_, call.arguments, call.types)
    assert isinstance(arguments, dict)
    return arguments


def _dotted(place: tuple[str | int, ...]) -> str:
    return ".".join(str(key) for key in place)
