"""A plain MCP server of an agent's daily tools: git, files, time, arithmetic.

What an agent would use without pattern_execute. Its descriptions are as short as they can be, its
replies are what the programs print in their short forms: whatever can be said against a figure of
ours, not that the other side was made to talk.
"""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mcp.server import MCPServer

from tmws_mcp.actions.calculate import calculate as value_of

SECONDS_MAX = 30
LINES_MAX = 200


def plain_server(folder: Path) -> MCPServer[None]:
    """Return the server for a repository."""
    server: MCPServer[None] = MCPServer("plain", version="1")
    tools: tuple[Callable[..., Any], ...] = (*_git(folder), *_files(folder), calculate, time)
    for tool in tools:
        server.add_tool(tool)
    return server


def calculate(expression: str) -> str:
    """The value of an arithmetic expression."""
    return str(value_of(expression))


def time(zone: str = "UTC") -> str:
    """The time now in a zone."""
    return datetime.now(tz=UTC).astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")


def _git(folder: Path) -> tuple[Callable[..., Any], ...]:
    def git_status() -> str:
        """Branch and changed files."""
        return _run(folder, "git", "status", "--short", "--branch")

    def git_log(number: int = 10, since: str = "", revisions: str = "HEAD") -> str:
        """Commits, a line each."""
        limited = [f"--since={since}"] if since else []
        return _run(folder, "git", "log", f"-{number}", "--format=%h %as %s", *limited, revisions)

    def git_diff_stat(base: str = "HEAD") -> str:
        """Lines that changed since a commit, by file."""
        return _run(folder, "git", "diff", "--stat", base)

    def git_latest_tag() -> str:
        """The latest tag."""
        return _run(folder, "git", "describe", "--tags", "--abbrev=0")

    return git_status, git_log, git_diff_stat, git_latest_tag


def _files(root: Path) -> tuple[Callable[..., Any], ...]:
    def list_files(folder: str = ".") -> str:
        """Entries of a folder."""
        return _run(root, "ls", folder)

    def search(text: str) -> str:
        """Lines that hold a text, with file and number."""
        return _run(root, "git", "grep", "-n", "-i", "-F", "--untracked", text)

    def read_file(path: str) -> str:
        """A file's text."""
        return (root / path).read_text("utf-8")

    return list_files, search, read_file


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
    )
    return "\n".join((done.stdout or done.stderr).strip().splitlines()[:LINES_MAX])
