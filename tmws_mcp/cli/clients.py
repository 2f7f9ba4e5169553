"""The clients whose configuration can be edited: where it lies, and how it names a server.

Only files whose form the client documents. Claude Code's own state in `~/.claude.json` is rewritten
by each of its sessions, so that the project's `.mcp.json` is edited, which is meant for people.
"""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tmws_mcp.model import JsonObject
from tmws_mcp.places import configuration_folder

NAME = "tmws"
UVX_FOLDERS = ("archive-v0", "environments-v2")
"""Where uv keeps environments that may be gone tomorrow."""


@dataclass(frozen=True, slots=True)
class Client:
    """A program that starts MCP servers."""

    title: str
    path: Callable[[], Path]
    key: str
    """Of the object that holds the servers."""
    restart: str
    """What makes it see the change."""
    stdio: bool = False
    """Whether an entry has to say how it is spoken to."""

    def entry(self, command: list[str]) -> JsonObject:
        """Return how it names a server that is started so."""
        words: list[str] = command[1:]
        named: JsonObject = {"command": command[0], "args": [*words]}
        return {"type": "stdio", **named} if self.stdio else named


def is_temporary(program: Path) -> bool:
    """Tell whether a program lies where uv may throw it away, as what uvx runs does."""
    return any(folder in program.parts for folder in UVX_FOLDERS)


def command() -> list[str]:
    """Return how this program is started: as it was, or by uvx where that is not going to last."""
    own = shutil.which(Path(sys.argv[0]).name) or sys.argv[0]
    path = Path(own).absolute()
    if is_temporary(path):
        return ["uvx", "tmws-mcp"]
    if path.name.startswith("tmws-mcp"):
        return [str(path)]
    return [sys.executable, "-m", "tmws_mcp"]


def _claude_desktop() -> Path:
    return configuration_folder() / "Claude" / "claude_desktop_config.json"


CLIENTS: Final = {
    "claude-desktop": Client(
        "Claude Desktop", _claude_desktop, "mcpServers", "Quit Claude Desktop and start it again."
    ),
    "claude-code": Client(
        "Claude Code, this project",
        lambda: Path.cwd() / ".mcp.json",
        "mcpServers",
        "Start Claude Code here again; it asks whether you trust the server.",
    ),
    "cursor": Client(
        "Cursor",
        lambda: Path.home() / ".cursor" / "mcp.json",
        "mcpServers",
        "Cursor sees it at once; switch the server on in its settings.",
    ),
    "vscode": Client(
        "VS Code, this workspace",
        lambda: Path.cwd() / ".vscode" / "mcp.json",
        "servers",
        "VS Code shows a start button above the server in that file.",
        stdio=True,
    ),
}
