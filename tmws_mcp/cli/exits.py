"""How a command ends: four exit codes, and one sentence instead of a traceback.

Scripts branch on the codes, so that they are part of the contract (docs/reference/cli.md).
"""

from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from tmws_mcp.cli.render import told
from tmws_mcp.errors import InvalidInput, NotFound, SettingsError, TmwsError

OK = 0
FAILED = 1  # a check failed, a call was refused, a line could not be used
USAGE = 2  # typer's own code for wrong arguments, ours for settings that cannot be used
NOTHING = 3  # the command worked and found nothing


class Commands(TyperGroup):
    """A group of commands in which our errors end the program with their own message."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a TmwsError becomes its message and an exit code."""
        try:
            return super().invoke(ctx)
        except TmwsError as error:
            end(code_of(error), str(error))
        except BaseExceptionGroup as errors:
            # `tmws-mcp demo | head`: rich ends the program, and a task group wraps the end.
            ends, others = errors.split((SystemExit, BrokenPipeError))
            if ends is None or others is not None:
                raise
            end(FAILED)


def code_of(error: TmwsError) -> int:
    """Return the exit code that an error stands for."""
    if isinstance(error, NotFound):
        return NOTHING
    return USAGE if isinstance(error, InvalidInput | SettingsError) else FAILED


def end(code: int, message: str = "") -> NoReturn:
    """End the command with a code, after a message on stderr."""
    if message:
        told(message)
    raise typer.Exit(code)
