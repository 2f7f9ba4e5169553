"""Events as Claude Code's documentation gives them, with made-up contents."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tmws_mcp.ingest import hook_entry

SESSION = "abc123"
CALLS = itertools.count(1)
"""Each call of a tool has an id of its own."""


def event(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "session_id": SESSION,
        "transcript_path": "/home/ana/.claude/projects/p/abc123.jsonl",
        "cwd": "/srv/parser",
        "permission_mode": "default",
        "hook_event_name": name,
        **fields,
    }


def worked(tool: str, **fields: Any) -> dict[str, Any]:
    response = {"stdout": "ok", "stderr": "", "interrupted": False}
    return event(
        "PostToolUse", tool_name=tool, tool_input={"command": "make"}, tool_response=response,
        tool_use_id=f"toolu_{next(CALLS):03}", **fields,
    )  # fmt: skip


def failed(tool: str, error: str, **fields: Any) -> dict[str, Any]:
    return event(
        "PostToolUseFailure", tool_name=tool, tool_input={"command": "make"}, error=error,
        tool_use_id=f"toolu_{next(CALLS):03}", is_interrupt=False, **fields,
    )  # fmt: skip


def prompt(text: str) -> dict[str, Any]:
    return event("UserPromptSubmit", prompt=text)


def start(folder: Path, content: bytes | dict[str, Any], *more: str) -> "subprocess.Popen[bytes]":
    """Run the hook as a client does, in a process of its own."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    environment = {**os.environ, "CLAUDE_PROJECT_DIR": str(folder.parent / "parser")}
    command = [sys.executable, "-I", "-S", hook_entry.__file__, str(folder), *more]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment)  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(raw)
    process.stdin.close()
    return process


def run(folder: Path, content: bytes | dict[str, Any], *more: str) -> None:
    process = start(folder, content, *more)
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = process.stdout.read(), process.stderr.read()
        assert (process.wait(30), said) == (0, (b"", b""))


def put(folder: Path, one: dict[str, Any], namespace: str = "") -> None:
    """Put an event down as the hook does, in this process."""
    content = hook_entry.masked_where_suspicious(json.dumps(one).encode())
    hook_entry.put_down(hook_entry.header(namespace, ""), content, str(folder))
