"""Running steps: side by side where they can, each failure kept to itself.

A step starts when those that it needs have ended well. All share the pattern's time budget; what
is not done by then is given up and said. Steps that store are exempt from it and have a limit of
their own: a caller must not be told that something was not stored which then is.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import anyio
from pydantic import JsonValue, ValidationError

from tmws_mcp.actions.registry import Action, Workspace
from tmws_mcp.errors import ActionError, TmwsError, ToolUnreachable
from tmws_mcp.model import (
    JsonObject,
    RecallReply,
    RecallRequest,
    RecommendReply,
    RecommendRequest,
    StepReport,
    StoreReply,
    StoreRequest,
)
from tmws_mcp.patterns.period import period
from tmws_mcp.patterns.steps import (
    ActionStep,
    CallStep,
    RecallStep,
    RecommendStep,
    Step,
    StoreStep,
)
from tmws_mcp.patterns.templates import (
    ArgumentType,
    UnknownName,
    fill,
    fill_value,
    typed_value,
)
from tmws_mcp.telemetry import get_logger

STEP_SECONDS_MAX = 30.0
# What a reader needs of a memory; its id gives the rest.
MEMORY_KEYS = frozenset(
    {"id", "content", "score", "created_at", "occurred_at", "tags", "kind", "persona"}
    | {"speaker", "thread", "source", "passage", "superseded_by"}
)

log = get_logger("patterns")


@dataclass(frozen=True, slots=True)
class Parts:
    """What steps are made of: the engine's own methods, bound to a call's scope."""

    recall: Callable[[RecallRequest], Awaitable[RecallReply]]
    remember: Callable[[StoreRequest], Awaitable[StoreReply]]
    recommend: Callable[[RecommendRequest], Awaitable[RecommendReply]]
    actions: Mapping[str, Action]
    call: Callable[[str, JsonObject], Awaitable[JsonValue]] | None = None
    """Calls a tool of another server; ToolUnreachable where that cannot be."""
    workspace: Workspace = field(default_factory=Workspace)


@dataclass(frozen=True, slots=True)
class Call:
    """What all steps of an execution share."""

    arguments: Mapping[str, str]
    namespace: str
    tokens: int
    milliseconds: int
    types: Mapping[str, ArgumentType] = field(default_factory=dict)
    now: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True)
class Found:
    """What a step brought: a value as JSON, and what the part itself left out."""

    value: JsonValue
    omitted: int = 0


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

    async with anyio.create_task_group() as tasks:
        for step in steps:
            tasks.start_soon(one, step)
    return {step.name: outcomes[step.name] for step in steps}


async def _outcome(
    step: Step, earlier: Mapping[str, Outcome], parts: Parts, call: Call, deadline: float
) -> Outcome:
    if failed := [name for name in step.needs if earlier[name].found is None]:
        reason = "was not run" if earlier[failed[0]].skipped else "failed"
        return Outcome(error=f"not run: it needs {failed[0]}, which {reason}", ran=False)
    if not _applies(step, earlier, call.arguments):
        return Outcome()
    started = time.perf_counter()
    try:
        found, error = await _within(step, parts, call, deadline)
    except ToolUnreachable as unreachable:
        assert isinstance(step, CallStep)
        return await _handed_over(step, call, unreachable)
    return Outcome(found, error, (time.perf_counter() - started) * 1000)


async def _handed_over(step: CallStep, call: Call, why: ToolUnreachable) -> Outcome:
    """Return the filled call for the caller to make: no server here has such a tool."""
    found, error = await _attempt(lambda: _filled_call(step, call), step)
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
    limit = anyio.current_time() + STEP_SECONDS_MAX
    if not isinstance(step, StoreStep):
        limit = min(limit, deadline)
    with anyio.CancelScope(deadline=limit) as scope:
        return await _attempt(lambda: _run(step, parts, call), step)
    assert scope.cancelled_caught
    return None, f"took longer than the {call.milliseconds} ms of the pattern's budget"


async def _attempt(
    work: Callable[[], Awaitable[Found]], step: Step
) -> tuple[Found | None, str | None]:
    try:
        return await work(), None
    except UnknownName as error:
        return None, f"{error.args[0]!r} is not known; give it in `context`"
    except ValidationError as error:
        return None, "; ".join(f"{_dotted(e['loc'])}: {e['msg']}" for e in error.errors()[:3])
    except TmwsError as error:
        if isinstance(error, ToolUnreachable) and isinstance(step, CallStep):
            raise  # the caller may have a way to it
        return None, str(error)
    except Exception as error:
        log.exception("patterns.step_crashed", step=step.name)
        return None, f"failed unexpectedly ({type(error).__name__}); the server's log has more"


async def _run(step: Step, parts: Parts, call: Call) -> Found:
    match step:
        case ActionStep():
            return await _act(step, parts, call)
        case CallStep():
            return await _call(step, parts, call)
        case RecallStep():
            return _recalled(await parts.recall(recall_request(step, call)))
        case StoreStep():
            return _stored(await parts.remember(_store_request(step, call)))
        case RecommendStep():
            wanted = fill_value(step.recommend.model_dump(), call.arguments)
            assert isinstance(wanted, dict)
            request = RecommendRequest.model_validate(wanted | {"namespace": call.namespace})
            return _recommended(await parts.recommend(request))


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


def recall_request(step: RecallStep, call: Call) -> RecallRequest:
    """Return the request of a recall step."""
    values = call.arguments
    when = period(fill(step.during, values), call.now)
    return RecallRequest(
        query=fill(step.recall, values),
        limit=step.limit,
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


def _store_request(step: StoreStep, call: Call) -> StoreRequest:
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


def _recalled(reply: RecallReply) -> Found:
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


def _stored(reply: StoreReply) -> Found:
    return Found(reply.model_dump(mode="json", exclude={"scope"}, exclude_defaults=True))


def _recommended(reply: RecommendReply) -> Found:
    value = reply.model_dump(
        mode="json", include={"recommendations", "abstained"}, exclude_none=True
    )
    if reply.abstained is False:
        del value["abstained"]
    return Found(value)


def _dotted(place: tuple[str | int, ...]) -> str:
    return ".".join(str(key) for key in place)
