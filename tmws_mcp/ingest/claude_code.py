"""Claude Code's transcripts: JSON lines, one file for each session, in `~/.claude/projects`.

An assistant's entry holds `tool_use` blocks, the user's entry after it their `tool_result`s. The
format is no contract: what is not understood is left out, and nothing else depends on it.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pydantic import JsonValue

from tmws_mcp.ingest.calls import Call, Judge, between, ended, interaction, moment
from tmws_mcp.ingest.files import Advance, Complain, lines
from tmws_mcp.model import Interaction, JsonObject

HOME = Path("~/.claude/projects")
SUFFIXES = (".jsonl",)
PENDING_MAX = 1_000
"""Calls whose results did not come yet."""
SESSIONS_MAX = 1_000
"""Of one file: the session and its subagents."""

SHELL = frozenset({"Bash", "PowerShell"})
"""Their results are judged by an exit code."""
NOT_SAID = re.compile(r"\s*(?:<(?:command|local-command|system-reminder)|Caveat:|\[Request interr)")
"""Texts in the user's name that the user did not write."""
REJECTED = re.compile(r"The user doesn't want to (?:proceed|take this action)|User rejected")
WRAPPED = re.compile(r"</?tool_use_error>")


@dataclass(frozen=True, slots=True)
class _Use:
    step: int
    tool: str
    arguments: JsonValue
    at: datetime | None
    turn: str


@dataclass(slots=True)
class _Session:
    """A session as far as it was read."""

    name: str
    task: str = ""
    turn: str = ""
    steps: int = 0
    pending: "OrderedDict[str, _Use]" = field(default_factory=OrderedDict)


def read(path: Path, complain: Complain, advance: Advance) -> Iterator[Interaction]:
    """Give the calls of a transcript, each once its result is known, and the ends of sessions."""
    sessions: dict[str, _Session] = {}
    for entry in lines(path, complain, advance):
        if entry.get("type") in ("user", "assistant") and not entry.get("isMeta"):
            name = _name(entry, path)
            if name in sessions or len(sessions) < SESSIONS_MAX:
                yield from _entry(sessions.setdefault(name, _Session(name)), entry)
    for session in sessions.values():
        if session.steps:
            yield ended(session.name)


def _name(entry: JsonObject, path: Path) -> str:
    """Return the session's name; a subagent has a session of its own."""
    session = str(entry.get("sessionId") or path.stem)
    if not entry.get("isSidechain"):
        return session
    return f"{session}/{entry.get('agentId') or path.stem}"


def _entry(session: _Session, entry: JsonObject) -> Iterator[Interaction]:
    message = entry.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    at = moment(entry.get("timestamp"))
    for block in _blocks(content):
        if entry["type"] == "assistant":
            _uses(session, block, at)
        elif block.get("type") == "tool_result":
            yield from _result(session, block, at)
        elif not entry.get("isCompactSummary"):
            _said(session, block)


def _blocks(content: JsonValue) -> Iterator[JsonObject]:
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    elif isinstance(content, list):
        yield from (block for block in content if isinstance(block, dict))


def _uses(session: _Session, block: JsonObject, at: datetime | None) -> None:
    tool = block.get("name")
    if block.get("type") != "tool_use" or not isinstance(tool, str):
        return
    use = _Use(session.steps, tool, block.get("input"), at, session.turn)
    session.steps += 1
    session.pending[str(block.get("id"))] = use
    while len(session.pending) > PENDING_MAX:
        session.pending.popitem(last=False)


def _said(session: _Session, block: JsonObject) -> None:
    text = block.get("text")
    if isinstance(text, str) and text.strip() and not NOT_SAID.match(text):
        session.turn = text
        session.task = session.task or text


def _result(session: _Session, block: JsonObject, at: datetime | None) -> Iterator[Interaction]:
    use = session.pending.pop(str(block.get("tool_use_id")), None)
    if use is None:
        return
    error = _error(block) if block.get("is_error") else ""
    yield interaction(
        Call(
            session=session.name,
            step=use.step,
            tool=use.tool,
            ok=not block.get("is_error"),
            error=error,
            seconds=between(use.at, at),
            arguments=use.arguments,
            task=session.task,
            turn=use.turn,
            judge=_judge(use.tool, error),
            id=str(block["tool_use_id"]),
        )
    )


def _judge(tool: str, error: str) -> Judge | None:
    if REJECTED.search(error):
        return "user"
    return "exit_code" if tool in SHELL else None


def _error(block: JsonObject) -> str:
    content = block.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return WRAPPED.sub("", "\n".join(text for text in texts if isinstance(text, str))).strip()
