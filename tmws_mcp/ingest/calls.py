"""A call of a tool as a trace tells it -> an interaction, with texts that a store can hold."""

import re
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Literal

from pydantic import JsonValue

from tmws_mcp.model import Interaction, JsonObject, RecordedInteraction
from tmws_mcp.model.base import NAME_CHARS_MAX, storable_name

TEXT_CHARS_MAX = 4_000
"""Of a task, a turn or an error; observing keeps still less of it."""
ARGUMENT_CHARS_MAX = 1_000
ARGUMENTS_MAX = 40
SECONDS_MAX = 86_400.0
"""A longer pause is one of the person, or of a clock."""

Judge = Literal["tests", "exit_code", "user", "self"]
FAILED = re.compile(r"\s*(?:error|traceback|exception|failed|failure|fatal)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Call:
    """One call, and what its session was about."""

    session: str
    step: int
    tool: str
    ok: bool = True
    error: str = ""
    seconds: float | None = None
    arguments: JsonValue = None
    task: str = ""
    turn: str = ""
    judge: Judge | None = None
    id: str = ""
    """As its client names the call; hooks and transcripts tell of one call under one id."""


def interaction(call: Call) -> Interaction:
    """Return the call as it is observed; step and session make a repeat harmless."""
    return RecordedInteraction(
        session_id=storable_name(call.session),
        step=call.step,
        tool_used=storable_name(call.tool),
        success=call.ok,
        error="" if call.ok else cleaned(call.error) or "failed without a word",
        execution_time=bounded(call.seconds),
        arguments=_arguments(call.arguments),
        task=cleaned(call.task),
        turn=cleaned(call.turn),
        evidence=call.judge,
        call_id=storable_name(call.id),
    )


def ended(session: str) -> Interaction:
    """Return the end of a session of which nobody knows how it ended."""
    return Interaction(session_id=storable_name(session), outcome="unknown")


def cleaned(text: str, chars_max: int = TEXT_CHARS_MAX) -> str:
    """Return the beginning of a text without what no store can hold."""
    return text[:chars_max].encode("utf-8", "replace").decode().replace("\0", "")


def bounded(seconds: float | None) -> float | None:
    """Return a duration, None where it cannot be one."""
    return seconds if seconds is not None and 0 <= seconds <= SECONDS_MAX else None


def _arguments(value: JsonValue) -> JsonObject | str:
    if isinstance(value, dict):
        items = list(value.items())[:ARGUMENTS_MAX]
        return {storable_name(name)[:NAME_CHARS_MAX]: _short(item) for name, item in items}
    return cleaned(value) if isinstance(value, str) else ""


def _short(value: JsonValue) -> JsonValue:
    if isinstance(value, float) and not isfinite(value):
        return str(value)  # JSON has no such number, though Python reads and writes it
    if isinstance(value, bool | int | float | None):
        return value
    text = value if isinstance(value, str) else str(value)
    return cleaned(text, ARGUMENT_CHARS_MAX)


def moment(text: JsonValue) -> datetime | None:
    """Return a time written as ISO 8601; None where it is none.

    >>> moment("2026-02-01T14:59:02.592Z").minute
    59
    """
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def between(began: datetime | None, ended: datetime | None) -> float | None:
    """Return the seconds from one moment to another, if both are known and comparable."""
    if began is None or ended is None or (began.tzinfo is None) != (ended.tzinfo is None):
        return None
    return (ended - began).total_seconds()


def failure(result: JsonValue) -> str:
    """Return what a tool's result says went wrong; empty where it says nothing of the kind.

    Logs rarely mark failures: an `error` that is not empty, `success` or `ok` that is false, an
    exit code, or a text that begins as errors do.

    >>> failure({"success": False, "error": "no such file"}), failure("42 rows")
    ('no such file', '')
    """
    if isinstance(result, str):
        return result if FAILED.match(result) else ""
    if not isinstance(result, dict):
        return ""
    if error := result.get("error"):
        told = error.get("message", error) if isinstance(error, dict) else error
        return str(told)
    refused = any(result.get(name) is False for name in ("success", "ok"))
    code = result.get("exit_code", result.get("returncode", 0))
    marked = result.get("is_error") is True or result.get("isError") is True
    return str(result) if refused or marked or (isinstance(code, int) and code != 0) else ""
