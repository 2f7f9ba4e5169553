"""What the working folder looks like now: repository, kind of project, layout.

Outside of a repository, or without git, the rest is still told, with the reason for the gap.
"""

import os
from pathlib import Path

import anyio
import anyio.to_thread
from pydantic import JsonValue

from tmws_mcp.actions.action import Action, Workspace, folder_of, only
from tmws_mcp.actions.git import git_state
from tmws_mcp.errors import ActionError
from tmws_mcp.model import JsonObject

ENTRIES_SHOWN = 40
# A folder may hold millions of files; the first ones say enough.
ENTRIES_SEEN_MAX = 10_000
MARKERS = {
    "pyproject.toml": "python",
    "setup.py": "python",
    "requirements.txt": "python",
    "package.json": "node",
    "tsconfig.json": "typescript",
    "Cargo.toml": "rust",
    "go.mod": "go",
    "pom.xml": "java",
    "build.gradle": "java",
    "build.gradle.kts": "kotlin",
    "Gemfile": "ruby",
    "composer.json": "php",
    "mix.exs": "elixir",
    "Package.swift": "swift",
    "CMakeLists.txt": "cmake",
    "Makefile": "make",
    "Dockerfile": "docker",
    "compose.yaml": "docker",
    "docker-compose.yml": "docker",
}


async def workspace_state(folder: Path) -> JsonObject:
    """Return the state of the folder.

    Raises:
        ActionError: The folder cannot be read.
    """
    folder = await anyio.to_thread.run_sync(folder.resolve)
    state: JsonObject = {"folder": str(folder)}
    state |= await anyio.to_thread.run_sync(layout, folder)
    try:
        state["git"] = await git_state(folder)
    except ActionError as error:
        state["git"] = None
        state["git_note"] = str(error)
    return state


def layout(folder: Path) -> JsonObject:
    """Return the kinds of project that the folder looks like, and its visible entries by name."""
    names = _entries(folder)
    visible = [name for name in names if not name.startswith(".")]
    kinds = sorted({MARKERS[name] for name in visible if name in MARKERS})
    found: JsonObject = {"project": [*kinds], "entries": [*visible[:ENTRIES_SHOWN]]}
    if len(visible) > ENTRIES_SHOWN:
        found["more_entries"] = len(visible) - ENTRIES_SHOWN
    return found | {"hidden_entries": len(names) - len(visible)}


def _entries(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as listed:
            return sorted(
                f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name
                for entry, _ in zip(listed, range(ENTRIES_SEEN_MAX), strict=False)
            )
    except OSError as error:
        raise ActionError(f"{folder} cannot be read: {error.strerror}.") from error


async def _run(arguments: JsonObject, where: Workspace) -> JsonValue:
    only(arguments)
    return await workspace_state(folder_of(where))


ACTION = Action("workspace.state", "Repository, kind of project and layout of the workspace", _run)
