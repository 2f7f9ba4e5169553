"""Events that hooks have put down -> interactions.

An event has a file of its own, whose name begins with its time. It is deleted once what it says is
observed: whoever is killed in between finds it again, and a repeat is known by its time, which is
its place in the session.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tmws_mcp.ingest import hook_entry
from tmws_mcp.ingest.calls import Call, cleaned, ended, failure, interaction
from tmws_mcp.ingest.claude_code import NOT_SAID, REJECTED, SHELL
from tmws_mcp.masking import mask_secrets
from tmws_mcp.model import Interaction, JsonObject

FOLDER = "spool"
CALLS = ("PostToolUse", "PostToolUseFailure")
PROMPTS = "prompts.state"
TAKEN_AT_ONCE = 500
SESSIONS_KEPT_MAX = 200
"""Of which it is known what the user asked for."""
NANOSECONDS = 1_000
"""Of a microsecond."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a hook was told."""

    path: Path
    at: int
    """Nanoseconds since 1970."""
    namespace: str
    """As the hook was installed with; empty: that of its project."""
    project: str
    fields: JsonObject

    def text(self, name: str) -> str:
        """Return a field that is text; else nothing."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    @property
    def session(self) -> str:
        """The session's name; a subagent has one of its own."""
        agent = self.text("agent_id")
        return f"{self.text('session_id')}/{agent}" if agent else self.text("session_id")

    @property
    def place(self) -> int:
        """Its place in the session: when it was, in microseconds since 1970."""
        return self.at // NANOSECONDS


def waiting(folder: Path) -> list[Path]:
    """Return the oldest events that wait, in the order of their times."""
    return sorted(folder.glob("*.json"))[:TAKEN_AT_ONCE] if folder.is_dir() else []


def problem(folder: Path) -> str:
    """Return what the last hook that failed has left word of."""
    try:
        return (folder / hook_entry.PROBLEM).read_text("utf-8", errors="replace")
    except OSError:
        return ""


def read(paths: Iterable[Path]) -> Iterator[Event]:
    """Give the events; a file that is none is set aside, so that it is not met again."""
    for path in paths:
        try:
            yield event(path, path.read_bytes())
        except FileNotFoundError:  # another process has taken it
            continue
        except (ValueError, RecursionError, OSError):
            path.replace(path.with_suffix(".bad"))


def keep(content: bytes, folder: Path) -> Event:
    """Put down for a hook what it told, with its secrets masked; from here on it is not lost.

    Raises:
        ValueError: It is no event.
        OSError: It cannot be written.
    """
    namespace, project, raw = content.split(b"\n", 2)
    about = namespace + b"\n" + project + b"\n"
    clean = hook_entry.masked(raw, mask_secrets)
    return event(Path(hook_entry.put_down(about, clean, str(folder))), about + clean)


def event(path: Path, content: bytes) -> Event:
    """Return the event that a file holds.

    Raises:
        ValueError: It holds none.
    """
    namespace, project, raw = content.split(b"\n", 2)
    fields = json.loads(raw)
    if not isinstance(fields, dict):
        raise ValueError(f"{path.name} holds no event")  # noqa: TRY004 - as any other text
    return Event(
        path, int(path.name.split("-")[0]), namespace.decode(), os.fsdecode(project), fields
    )


class Prompts:
    """What the user asked for in each session, kept beside the events between two rounds."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / PROMPTS
        self._said: dict[str, tuple[str, str]] = _load(self._path)

    def note(self, session: str, prompt: str) -> None:
        """Note a message of the user; the first of a session is its task."""
        said = mask_secrets(cleaned(prompt))
        task, _ = self._said.pop(session, (said, ""))
        self._said[session] = (task, said)
        if len(self._said) > SESSIONS_KEPT_MAX:
            del self._said[next(iter(self._said))]

    def of(self, session: str) -> tuple[str, str]:
        """Return task and newest message; a subagent works for its session's user."""
        whole = session.split("/", maxsplit=1)[0]
        return self._said.get(session) or self._said.get(whole, ("", ""))

    def save(self) -> None:
        """Keep those of the latest sessions."""
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(self._said), "utf-8")
        part.chmod(0o600)
        part.replace(self._path)


def _load(path: Path) -> dict[str, tuple[str, str]]:
    try:
        raw = json.loads(path.read_bytes())
        return {str(name): (str(task), str(turn)) for name, (task, turn) in raw.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def interactions(events: Iterable[Event], prompts: Prompts) -> Iterator[tuple[Event, Interaction]]:
    """Give what the events say, in their order, with places that differ within a session."""
    last: dict[str, int] = {}
    for event in events:
        name = event.text("hook_event_name")
        if name == "UserPromptSubmit" and not NOT_SAID.match(event.text("prompt")):
            prompts.note(event.session, event.text("prompt"))
        elif name == "SessionEnd":
            yield event, ended(event.session)
        elif name in CALLS and event.text("tool_name") and not event.fields.get("is_interrupt"):
            step = max(event.place, last.get(event.session, -1) + 1)
            last[event.session] = step
            yield event, _call(event, step, prompts.of(event.session))


def _call(event: Event, step: int, asked: tuple[str, str]) -> Interaction:
    error = _error(event)
    milliseconds = event.fields.get("duration_ms")
    tool = event.text("tool_name")
    refused = bool(REJECTED.search(error))
    return interaction(
        Call(
            session=event.session,
            step=step,
            tool=tool,
            ok=not error,
            error=error,
            seconds=milliseconds / 1000 if isinstance(milliseconds, int | float) else None,
            arguments=event.fields.get("tool_input"),
            task=asked[0],
            turn=asked[1],
            judge="user" if refused else "exit_code" if tool in SHELL else None,
            id=event.text("tool_use_id"),
        )
    )


def _error(event: Event) -> str:
    if event.text("hook_event_name") == "PostToolUseFailure":
        return event.text("error") or "failed without a word"
    response = event.fields.get("tool_response")
    return failure(response) if isinstance(response, Mapping) else ""
