"""The command line: `tmws-mcp COMMAND`.

`tmws-mcp` without a command serves over stdio and does not come here: __main__.py imports this
module only for the rest, since typer would add to the time until `initialize`. What each command
needs is loaded with it (parts.py).
"""

from typing import Annotated, Any

import typer

from tmws_mcp import __version__
from tmws_mcp.cli.parts import PARTS, Parts, loaded

NAME = "tmws-mcp"

app = typer.Typer(
    name=NAME,
    cls=Parts,
    pretty_exceptions_enable=False,
    help="An MCP server that gives agents a memory that lasts and know-how learned from outcomes. "
    "Without a command it serves over stdio.",
    epilog="Exit codes: 0 all is well; 1 a check or a call failed; 2 wrong usage or settings; "
    "3 nothing was found.",
)


def main() -> None:
    """Run the command line."""
    app(prog_name=NAME)


def whole() -> Any:
    """Return the group with every command loaded: for who wants to see all of it."""
    group: Any = typer.main.get_command(app)
    group.commands = {name: loaded(name) for name in PARTS}
    return group


def _print_version(asked: bool) -> None:
    if asked:
        print(f"{NAME} {__version__}")  # noqa: T201 - what a command line does
        raise typer.Exit


@app.callback()
def _options(
    *,
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Hold the options that stand before a command."""
