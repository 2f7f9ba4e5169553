"""What somebody's word on a learned pattern amounts to: the steps that he would have reported.

Evidence has one way in, observing; so a judgement is told as a session of its own in which the
pattern was followed, and whose end is the judgement.
"""

from collections.abc import Iterator

from tmws_mcp.model import Interaction, LearnedPattern
from tmws_mcp.model.learning import Judgement


def steps(found: LearnedPattern, judged: Judgement, session: str) -> tuple[Interaction, ...]:
    """Return the session; its name must be new."""
    task = judged.task or str(found.definition.get("task") or "")
    followed = {"task": task, "session_id": session, "evidence": judged.evidence}
    *before, last = _taken(found)
    told = (*before, last.model_copy(update=_ending(found, judged)))
    return tuple(one.model_copy(update={**followed, "step": at}) for at, one in enumerate(told))


def _ending(found: LearnedPattern, judged: Judgement) -> dict[str, object]:
    """Return what the last step says: of a sequence, not that step but the whole is judged."""
    ending: dict[str, object] = {"outcome": "success" if judged.success else "failure"}
    if found.kind == "task_sequence":
        return ending
    of_step = {"success", "error", "execution_time"}
    return ending | judged.model_dump(include=of_step)


def _taken(found: LearnedPattern) -> Iterator[Interaction]:
    """Give the steps by which the pattern is followed."""
    made = found.definition
    match found.kind:
        case "tool_usage":
            yield Interaction(tool_used=str(made["tool"]))
        case "performance":
            yield Interaction(method=str(made["method"]))
        case "error_recovery":
            failure = str(made["template"] or made["class"])
            yield Interaction(tool_used=str(made["tool"]), success=False, error=failure)
            yield Interaction(tool_used=str(made["repair"]))
        case "task_sequence":
            tools = made["steps"]
            assert isinstance(tools, list)
            yield from (Interaction(tool_used=str(tool)) for tool in tools)
