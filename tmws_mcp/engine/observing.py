"""An execution of an authored pattern, told to the learning part when it has ended.

A pattern whose steps execute another one is one execution: what runs within it is not observed
again, so that nothing that an observation causes can observe itself.
"""

import secrets
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING

from tmws_mcp.errors import NothingRan
from tmws_mcp.model import ExecuteReply, Scope, StepReport
from tmws_mcp.model.learned import ExecutedStep, Execution

if TYPE_CHECKING:
    from tmws_mcp.patterns.definition import Pattern

ERROR_CHARS_MAX = 2_000
TOOL_CHARS_MAX = 200
TOOLS = {"recall": "recall_memory", "store": "store_memory", "recommend": "get_recommendations"}
"""What a step of the memory is called as a tool."""

_within: ContextVar[bool] = ContextVar("within an execution", default=False)

Record = Callable[[Execution, Scope], Awaitable[None]]


async def observed(
    pattern: "Pattern",
    scope: Scope,
    run: Callable[[], Awaitable[ExecuteReply]],
    record: Record,
    *,
    variant: str = "",
) -> ExecuteReply:
    """Run a pattern, and tell how it went; an execution within another one is not told."""
    if _within.get():
        return await run()
    started, token = time.perf_counter(), _within.set(True)
    try:
        reply = await run()
    except NothingRan:
        await record(_execution(pattern, (), started, variant), scope)
        raise
    finally:
        _within.reset(token)
    await record(_execution(pattern, reply.steps, started, variant), scope)
    return reply


def _execution(
    pattern: "Pattern", reports: tuple[StepReport, ...], started: float, variant: str
) -> Execution:
    tools = {step.name: _tool(step) for step in pattern.steps}
    calls = {step.name for step in pattern.steps if hasattr(step, "call")}
    ran = [step for step in reports if step.ran is not False]
    handed_over = any(step.ran is False and not _waited(step) for step in reports)
    failed = not reports or any(not step.ok for step in ran)
    return Execution(
        pattern=pattern.id,
        variant=variant,
        run=secrets.token_hex(6),
        task=pattern.task,
        promoted_from=pattern.promoted_from,
        steps=tuple(
            ExecutedStep(
                tool=tools.get(step.name, TOOLS["recall"]),
                ok=step.ok,
                seconds=step.ms / 1000,
                error=(step.error or "")[:ERROR_CHARS_MAX],
                called=step.name in calls,
            )
            for step in ran
        ),
        ok=False if failed else None if handed_over else True,
        seconds=time.perf_counter() - started,
    )


def _waited(step: StepReport) -> bool:
    """Tell whether it was not run since a step that it needs had failed."""
    return (step.error or "").startswith("not run: it needs")


def _tool(step: object) -> str:
    program = next(iter(getattr(step, "command", ())), None)
    named = getattr(step, "action", None) or getattr(step, "call", None) or program
    kind = next((tool for key, tool in TOOLS.items() if hasattr(step, key)), "")
    return str(named or kind)[:TOOL_CHARS_MAX]
