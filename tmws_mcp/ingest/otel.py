"""OpenTelemetry spans of GenAI agents as OTLP JSON: `execute_tool` spans, and MCP's `tools/call`.

The attributes' names are those of the semantic conventions for generative AI, which are not stable
yet; the older and the newer name of a thing are both known here where they differ. Spans come in
the order of their ends: those of a file are put in the order of their beginnings first.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from tmws_mcp.ingest.calls import Call, ended, interaction
from tmws_mcp.ingest.files import Advance, Complain, document
from tmws_mcp.ingest.messages import text_of
from tmws_mcp.model import Interaction, JsonObject

SUFFIXES = (".json", ".jsonl")
SPANS_MAX = 500_000
"""Of one file: they are kept until all are read."""
ERROR_CODES = (2, "STATUS_CODE_ERROR")
NANO, NANO_DIGITS_MAX = 1e-9, 20
OPERATION, TOOL_CALL = "gen_ai.operation.name", "execute_tool"
SESSIONS = ("gen_ai.conversation.id", "session.id", "mcp.session.id")
TOOLS = ("gen_ai.tool.name", "mcp.tool.name")
ARGUMENTS = ("gen_ai.tool.call.arguments", "gen_ai.tool.arguments")
PROMPTS = ("gen_ai.input.messages", "gen_ai.prompt", "input.value")


@dataclass(frozen=True, slots=True)
class _Span:
    session: str
    began: int
    seconds: float | None
    tool: str
    error: str | None
    arguments: JsonValue


def read(path: Path, complain: Complain, advance: Advance) -> Iterator[Interaction]:
    """Give the tool calls of each conversation, or of each trace where there is none."""
    tasks: dict[str, str] = {}
    found: defaultdict[str, list[_Span]] = defaultdict(list)
    seen = 0
    for raw in _spans(document(path, complain, advance)):
        attributes = _attributes(raw)
        session = _first(attributes, SESSIONS) or str(raw.get("traceId", ""))
        if task := _first(attributes, PROMPTS):
            tasks.setdefault(session, _prompt(task))
        if (span := _tool_span(raw, attributes, session)) is not None:
            seen += 1
            if seen > SPANS_MAX:
                complain(f"{path.name}: the calls after the first {SPANS_MAX:,} are left out")
                break
            found[session].append(span)
    for session, spans in found.items():
        yield from _session(session, spans, tasks.get(session, ""))


def _session(session: str, spans: list[_Span], task: str) -> Iterator[Interaction]:
    for step, span in enumerate(sorted(spans, key=lambda span: span.began)):
        yield interaction(
            Call(
                session=session,
                step=step,
                tool=span.tool,
                ok=span.error is None,
                error=span.error or "",
                seconds=span.seconds,
                arguments=span.arguments,
                task=task,
            )
        )
    yield ended(session)


def _spans(documents: Iterator[JsonObject]) -> Iterator[JsonObject]:
    for entry in documents:
        for resource in _objects(entry.get("resourceSpans")):
            for scope in _objects(resource.get("scopeSpans")):
                yield from _objects(scope.get("spans"))


def _objects(value: JsonValue) -> Iterator[JsonObject]:
    yield from (one for one in (value if isinstance(value, list) else ()) if isinstance(one, dict))


def _attributes(holder: JsonObject) -> dict[str, str]:
    """Return the attributes whose values are plain, as text."""
    found: dict[str, str] = {}
    for one in _objects(holder.get("attributes")):
        value = one.get("value")
        if isinstance(value, dict) and value:
            plain = next(iter(value.values()))
            if isinstance(plain, str | int | float):
                found[str(one.get("key"))] = str(plain)
    return found


def _first(attributes: dict[str, str], names: tuple[str, ...]) -> str:
    return next((attributes[name] for name in names if attributes.get(name)), "")


def _tool_span(raw: JsonObject, attributes: dict[str, str], session: str) -> _Span | None:
    is_call = attributes.get(OPERATION) == TOOL_CALL
    if not (is_call or attributes.get("mcp.method.name") == "tools/call"):
        return None
    name = str(raw.get("name", ""))
    tool = _first(attributes, TOOLS) or name.removeprefix(TOOL_CALL).strip()
    began, end = _nanos(raw.get("startTimeUnixNano")), _nanos(raw.get("endTimeUnixNano"))
    return _Span(
        session=session,
        began=began,
        seconds=(end - began) * NANO if began and end else None,
        tool=tool or "unnamed",
        error=_error(raw, attributes),
        arguments=_first(attributes, ARGUMENTS) or None,
    )


def _nanos(value: JsonValue) -> int:
    """Return a time, which OTLP writes as text; 0 where there is none."""
    if isinstance(value, str) and value.isdecimal():
        return int(value[:NANO_DIGITS_MAX])
    return value if isinstance(value, int) else 0


def _error(raw: JsonObject, attributes: dict[str, str]) -> str | None:
    """Return what went wrong, None where nothing did."""
    status = raw.get("status")
    told = status if isinstance(status, dict) else {}
    kind = attributes.get("error.type", "")
    if told.get("code") not in ERROR_CODES and not kind:
        return None
    thrown = (_attributes(event) for event in _objects(raw.get("events")))
    message = next((a["exception.message"] for a in thrown if a.get("exception.message")), "")
    parts = (kind, message or str(told.get("message") or ""))
    return ": ".join(part for part in parts if part)


def _prompt(text: str) -> str:
    """Return the first thing that the user said, where the prompt is a list of messages."""
    try:
        messages = json.loads(text)
    except (ValueError, RecursionError):
        return text
    for message in _objects(messages):
        if message.get("role") == "user":
            return text_of(message.get("content", message.get("parts")))
    return text if isinstance(messages, str) else ""
