"""The arguments of the product's two tools, as an agent that takes the steps of a trace tells them.

In this process and over MCP the same ones are given, so that both rows of a table can be compared.
"""

from typing import Any

from benchmarks.learning.traces import Session, Step

Arguments = dict[str, Any]

HISTORY = 24
"""The newest steps that a question tells."""
ANSWERS = 10
OUTCOMES = {True: "success", False: "failure", None: "unknown"}


def observation(session: Session, step: Step, turn: str) -> Arguments:
    """Return what observe_interaction is told of a step."""
    return {
        "session_id": session.name,
        "task": session.task,
        "tool_used": step["tool"],
        "success": step["ok"],
        "error": step.get("err") or "",
        "arguments": step.get("args") or "",
        "turn": turn,
        "available_tools": session.tools,
    }


def ending(session: Session) -> Arguments:
    """Return what observe_interaction is told of a session's end."""
    return {"session_id": session.name, "outcome": OUTCOMES[session.success]}


def question(session: Session, before: list[Step], turn: str, want: str) -> Arguments:
    """Return what get_recommendations is asked after these steps."""
    return {
        "task": session.task,
        "session_id": session.name,
        "recent_steps": [
            {"tool": step["tool"], "ok": step["ok"], "error": step.get("err") or ""}
            for step in before[-HISTORY:]
        ],
        "available_tools": session.tools,
        "turn": turn,
        "want": want,
        "limit": ANSWERS,
    }
