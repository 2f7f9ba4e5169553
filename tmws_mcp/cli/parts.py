"""The commands by name, loaded when they are asked for.

All of them take two seconds of imports, which neither `--help` nor a shell that completes a name
nor a command about something else should wait for. So name and first sentence of each stand here,
where the list is made; tests/cli/test_app.py holds them against what the commands say themselves.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand

from tmws_mcp.cli.exits import Commands


@dataclass(frozen=True, slots=True)
class Part:
    """A command, or a group of commands."""

    home: str
    """`module:name` below tmws_mcp.cli; a group is a Typer, a command a function."""
    help: str
    more: tuple[tuple[str, str], ...] = ()
    """Commands that other modules add to a group: name and home."""


PARTS = {
    "serve": Part("serving:serve", "Serve MCP clients until they go, or until a signal comes."),
    "doctor": Part(
        "doctor:doctor",
        "Check this installation, its store and its patterns; each problem comes with a remedy.",
    ),
    "demo": Part(
        "demo:demo", "Show the whole loop alive: store, recall, execute, observe, recommend."
    ),
    "observe": Part(
        "observe:observe",
        "Observe interactions from JSON lines, with the fields of observe_interaction.",
    ),
    "install": Part(
        "install:install",
        "Give this server to a client: one entry in its configuration, the old file kept.",
    ),
    "uninstall": Part(
        "install:uninstall",
        "Take this server's entry out of a client's configuration; what was stored stays.",
    ),
    "import": Part(
        "ingest:import_traces",
        "Learn from transcripts, message logs or spans of earlier sessions; repeats are harmless.",
    ),
    "import-notes": Part(
        "ingest:import_notes",
        "Remember the sections of Markdown files, and keep in step with them when called again.",
    ),
    "export": Part(
        "moving:export",
        "Write all memories as JSON lines, every field; import-memories reads them again.",
    ),
    "import-memories": Part(
        "moving:import_memories",
        "Read memories from our export, or those of the official memory server and others.",
    ),
    "backup": Part(
        "moving:backup", "Copy the whole store to a file while it is in use, and check the copy."
    ),
    "restore": Part(
        "moving:restore", "Put a backup in the store's place; what was there is kept beside it."
    ),
    "inspect": Part(
        "inspector:app",
        "Look at the local store as a model would see it, or at a server through an MCP client.",
        (("federation", "federation:inspect"),),
    ),
    "patterns": Part(
        "patterns:app",
        "Check and list the authored patterns.",
        (
            ("promote", "promote:promote"),
            ("run", "batch:run"),
            ("versions", "versions:versions"),
            ("restore", "versions:restore"),
            ("ab", "versions:ab"),
        ),
    ),
    "memories": Part("memories:app", "Tidy what is stored: archive, extend, list."),
    "learned": Part(
        "learned:app",
        "Forget, bring back, export and import what was learned.",
        (("export", "carry:export"), ("import", "carry:take_in")),
    ),
    "observations": Part("observations:app", "Pause, resume, look at and delete observations."),
    "federation": Part("federation:app", "Share learned patterns with other instances over Redis."),
    "hook": Part("hook:app", "Learn from a client's hooks: observing costs no token."),
    "token": Part("token:app", "Let people and programs use a server over HTTP."),
}


class Parts(Commands):
    """The group of all commands: it lists them without loading any, and runs the one it loads."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = {name: _named(name, part) for name, part in PARTS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that is to be run, whole."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, loaded(name) if name in PARTS else command, rest


def _named(name: str, part: Part) -> TyperCommand:
    return TyperCommand(name, help=part.help)


@cache
def loaded(name: str) -> Any:
    """Return a command of PARTS with all that it takes."""
    # Typer makes commands of its own click, whose classes it does not export.
    part, holder = PARTS[name], typer.Typer(add_completion=False)
    found = _found(part.home)
    if isinstance(found, typer.Typer):
        for other, home in part.more:
            found.command(other)(_found(home))
        holder.add_typer(found, name=name)
    else:
        holder.command(name)(found)
    holder.callback()(_nothing)  # or a single command would be no group
    group: Any = typer.main.get_command(holder)
    return group.commands[name]


def _nothing() -> None:
    return


def _found(home: str) -> Callable[..., None] | typer.Typer:
    module, name = home.split(":")
    found: Callable[..., None] | typer.Typer = getattr(
        import_module(f"tmws_mcp.cli.{module}"), name
    )
    return found
