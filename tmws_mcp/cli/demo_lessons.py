"""The part of the demo's story about learning: steps observed, and advice drawn from them."""

from collections.abc import Mapping

from tmws_mcp.cli.demo_material import sessions, steps_in_full
from tmws_mcp.cli.demo_stage import Stage
from tmws_mcp.model import ObserveReply, RecommendReply

NEW_TASK = "rename the module prices to tariffs and mend all imports"
NEW_SESSION = "demo-today"
FAILING, ERROR = "ruff check", "Found 14 errors. [*] 14 fixable with `--fix`."
WAY_OUT = "ruff check --fix"
UNKNOWN_TASK, UNKNOWN_TOOLS = "bake sourdough bread", ["knead", "proof", "bake"]


async def observe(stage: Stage) -> None:
    """Observe all recorded sessions, each in one call."""
    observed, learned = 0, set()
    for number, (name, steps) in enumerate(sessions().items(), 1):
        answer = await stage.quietly(
            "observe_interaction",
            {"interactions": [dict(step) for step in steps]},
            of=f"observing session {number} of {len(sessions())}: {name}",
        )
        reply = ObserveReply.model_validate(answer.structured)
        observed += reply.observed
        learned |= {summary.pattern_id for summary in reply.learned}
    steps_sent = sum(map(len, sessions().values()))
    failures = sum(not step["success"] for steps in sessions().values() for step in steps)
    stage.say(
        f"{observed} steps of {len(sessions())} sessions observed, {failures} of them failures; "
        f"{len(learned)} patterns learned."
    )
    stage.expect("every step counted once", observed == steps_sent)
    first = next(iter(sessions().values()))
    again = await stage.call("observe_interaction", {"interactions": [dict(s) for s in first]})
    repeated = ObserveReply.model_validate(again.structured)
    stage.expect("the same steps sent again count nothing", repeated.observed == 0)


async def recover(stage: Stage) -> None:
    """Report a new failure like earlier ones, and ask what repaired those."""
    failure = {
        "session_id": NEW_SESSION,
        "task": NEW_TASK,
        "tool_used": FAILING,
        "success": False,
        "error": ERROR,
    }
    await stage.call("observe_interaction", failure)
    reply = await _recommended(stage, {"session_id": NEW_SESSION})
    actions = [advice.action for advice in reply.recommendations]
    stage.expect(f"{WAY_OUT} is advised first", actions[:1] == [WAY_OUT])
    support = [advice.evidence.support for advice in reply.recommendations[:1]]
    stage.expect("on the evidence of several earlier repairs", support != [] and support[0] > 1)


async def next_tool(stage: Stage) -> None:
    """Go on after the repair, and ask for the next tool."""
    repair = {"session_id": NEW_SESSION, "task": NEW_TASK, "tool_used": WAY_OUT, "success": True}
    await stage.call("observe_interaction", repair)
    reply = await _recommended(stage, {"session_id": NEW_SESSION, "want": "next"})
    known = {step["tool_used"] for steps in sessions().values() for step in steps}
    actions = {advice.action for advice in reply.recommendations}
    stage.expect("it names tools that were used before", bool(actions) and actions <= known)


async def workflow(stage: Stage) -> None:
    """Ask for the whole way of a task."""
    reply = await _recommended(stage, {"task": NEW_TASK, "want": "workflow"})
    lengths = [len(a.action) for a in reply.recommendations if not isinstance(a.action, str)]
    stage.expect("it answers with a sequence of tools", bool(lengths) and max(lengths) > 1)


async def abstain(stage: Stage) -> None:
    """Ask about what nobody did."""
    request = {"task": UNKNOWN_TASK, "available_tools": UNKNOWN_TOOLS, "want": "workflow"}
    reply = await _recommended(stage, request)
    stage.expect("it abstains and says why", bool(reply.abstained) and not reply.recommendations)


async def _recommended(stage: Stage, request: Mapping[str, object]) -> RecommendReply:
    answer = await stage.call("get_recommendations", dict(request), history=steps_in_full())
    return RecommendReply.model_validate(answer.structured)
