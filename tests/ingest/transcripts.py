"""Records of sessions as clients write them, with made-up contents."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SESSION = "0c0ffee0-1111-4222-8333-444455556666"
SECRET = "sk-ant-api03-" + "Q7x" * 12


def write(path: Path, entries: Iterable[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), "utf-8")
    return path


def at(second: int) -> str:
    return f"2026-02-01T14:{second // 60:02d}:{second % 60:02d}.500Z"


def said(text: str, second: int = 0, **fields: Any) -> dict[str, Any]:
    message = {"role": "user", "content": text}
    return {
        "type": "user",
        "sessionId": SESSION,
        "timestamp": at(second),
        "message": message,
    } | fields


def used(number: int, tool: str, second: int = 0, **fields: Any) -> dict[str, Any]:
    block = {"type": "tool_use", "id": f"toolu_{number}", "name": tool, "input": {"n": number}}
    message = {"role": "assistant", "content": [{"type": "text", "text": "I shall."}, block]}
    return {
        "type": "assistant", "sessionId": SESSION, "timestamp": at(second), "message": message,
    } | fields  # fmt: skip


def answered(
    number: int, text: str = "done", second: int = 0, *, error: bool = False, **fields: Any
):
    block = {
        "type": "tool_result", "tool_use_id": f"toolu_{number}", "is_error": error,
        "content": [{"type": "text", "text": text}],
    }  # fmt: skip
    return said("", second) | {"message": {"role": "user", "content": [block]}} | fields


def session() -> list[dict[str, Any]]:
    """Return a session of three calls, one of which failed and was repaired."""
    return [
        {"type": "permission-mode", "permissionMode": "default", "sessionId": SESSION},
        said("<command-name>/clear</command-name>"),
        said("Caveat: the messages below", isMeta=True),
        said("mend the build of the parser"),
        used(0, "Bash", 1),
        answered(0, f"Exit code 2\nmake: no rule, token {SECRET}", 3, error=True),
        used(1, "Edit", 4),
        answered(1, "The file has been updated", 5),
        said("and run it again"),
        used(2, "Bash", 6),
        answered(2, "ok", 10),
        used(3, "Bash", 11),  # the session stopped here
    ]


def conversation() -> dict[str, Any]:
    """Return a conversation in the form of OpenAI's chat API."""

    def call(number: int, tool: str, **arguments: Any) -> dict[str, Any]:
        function = {"name": tool, "arguments": json.dumps(arguments)}
        return {
            "role": "assistant",
            "tool_calls": [{"id": f"call_{number}", "type": "function", "function": function}],
        }

    def result(number: int, content: str) -> dict[str, Any]:
        return {"role": "tool", "tool_call_id": f"call_{number}", "content": content}

    return {
        "id": "conv-7",
        "messages": [
            {"role": "system", "content": "You are helpful."},
            {"role": "user", "content": [{"type": "text", "text": "book a flight to Oslo"}]},
            call(0, "search_flights", to="Oslo"),
            result(0, json.dumps({"error": "no date given"})),
            call(1, "search_flights", to="Oslo", date="2026-03-01"),
            result(1, json.dumps({"flights": ["SK 4611"]})),
            call(2, "book", flight="SK 4611"),
        ],
    }


def spans() -> dict[str, Any]:
    """Return OTLP JSON with two tool calls, the later one first."""

    def attribute(key: str, value: str) -> dict[str, Any]:
        return {"key": key, "value": {"stringValue": value}}

    def tool(name: str, began: int, **fields: Any) -> dict[str, Any]:
        return {
            "traceId": "5b8aa5a2d2c872e8321cf37308d69df2", "spanId": f"{began:016x}",
            "name": f"execute_tool {name}",
            "startTimeUnixNano": str(began * 10**9),
            "endTimeUnixNano": str(began * 10**9 + 5 * 10**8),
            "attributes": [
                attribute("gen_ai.operation.name", "execute_tool"),
                attribute("gen_ai.tool.name", name),
                attribute("gen_ai.conversation.id", "conv-9"),
            ],
        } | fields  # fmt: skip

    asked = json.dumps([{"role": "user", "parts": [{"type": "text", "text": "weigh the parcel"}]}])
    agent = {
        "traceId": "5b8aa5a2d2c872e8321cf37308d69df2", "spanId": "00f067aa0ba902b7",
        "name": "invoke_agent Helper", "startTimeUnixNano": "1", "endTimeUnixNano": "2",
        "attributes": [
            attribute("gen_ai.conversation.id", "conv-9"),
            attribute("gen_ai.input.messages", asked),
        ],
    }  # fmt: skip
    failed = {"status": {"code": 2, "message": "scale is off"}}
    found = [tool("print_label", 20), tool("weigh", 10, **failed), agent]
    return {"resourceSpans": [{"scopeSpans": [{"spans": found}]}]}
