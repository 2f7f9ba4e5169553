"""What an action is, and where it may look."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from tmws_mcp.errors import ActionError
from tmws_mcp.model import JsonObject


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where actions may look: this folder and what lies below it; None: nowhere."""

    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """Something that an infrastructure step can do."""

    name: str
    summary: str
    run: Callable[[JsonObject, Workspace], Awaitable[JsonValue]]
    read_only: bool = True
    """Whether a registered pattern may call it, and its answer be cached."""


def only(arguments: JsonObject, *known: str) -> None:
    """Refuse arguments that an action does not know.

    Raises:
        ActionError: There is one.
    """
    if unknown := sorted(set(arguments) - set(known)):
        offered = ", ".join(known) or "none at all"
        raise ActionError(f"Unknown argument {unknown[0]!r}; this action takes {offered}.")


def folder_of(where: Workspace) -> Path:
    """Return the workspace's folder.

    Raises:
        ActionError: None is known.
    """
    if where.folder is None:
        raise ActionError(
            "No workspace is known: start the server within a project, or name a folder with "
            "TMWS_WORKSPACE."
        )
    return where.folder
