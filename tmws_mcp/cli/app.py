"""The command line: `tmws-mcp COMMAND`.

`tmws-mcp` without a command serves over stdio and does not come here: __main__.py imports this
module only for the rest, since typer and rich would add to the time until `initialize`.
"""

from typing import Annotated

import typer

from tmws_mcp import __version__
from tmws_mcp.cli import (
    batch,
    carry,
    federation,
    hook,
    inspector,
    learned,
    memories,
    moving,
    observations,
    patterns,
    token,
    versions,
)
from tmws_mcp.cli.demo import demo
from tmws_mcp.cli.doctor import doctor
from tmws_mcp.cli.exits import Commands
from tmws_mcp.cli.ingest import import_notes, import_traces
from tmws_mcp.cli.install import install, uninstall
from tmws_mcp.cli.observe import observe
from tmws_mcp.cli.promote import promote
from tmws_mcp.cli.serve import TRANSPORTS
from tmws_mcp.cli.serve import serve as serve_until_end

NAME = "tmws-mcp"

app = typer.Typer(
    name=NAME,
    cls=Commands,
    pretty_exceptions_enable=False,
    help="An MCP server that gives agents a memory that lasts and know-how learned from outcomes. "
    "Without a command it serves over stdio.",
    epilog="Exit codes: 0 all is well; 1 a check or a call failed; 2 wrong usage or settings; "
    "3 nothing was found.",
)


def main() -> None:
    """Run the command line."""
    app(prog_name=NAME)


@app.command()
def serve(
    *,
    transport: Annotated[str, typer.Option(help=f"One of: {', '.join(TRANSPORTS)}.")] = "stdio",
    host: Annotated[str | None, typer.Option(help="Address to listen on: loopback only.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0: any free one.", min=0, max=65535)
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that serve over HTTP.", min=1, max=64)
    ] = None,
    worker: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Serve MCP clients until they go, or until a signal comes."""
    if transport not in TRANSPORTS:
        raise typer.BadParameter(
            f"{transport!r} is none of: {', '.join(TRANSPORTS)}.", param_hint="--transport"
        )
    serve_until_end(transport, host=host, port=port, workers=workers, worker=worker)


app.command()(doctor)
app.command()(demo)
app.command()(observe)
app.command()(install)
app.command()(uninstall)
app.command("import")(import_traces)
app.command("import-notes")(import_notes)
app.command()(moving.export)
app.command("import-memories")(moving.import_memories)
app.command()(moving.backup)
app.command()(moving.restore)
patterns.app.command()(promote)
for command in (batch.run, versions.versions, versions.restore, versions.ab):
    patterns.app.command()(command)
app.add_typer(inspector.app, name="inspect")
app.add_typer(patterns.app, name="patterns")
app.add_typer(memories.app, name="memories")
learned.app.command("export")(carry.export)
learned.app.command("import")(carry.take_in)
app.add_typer(learned.app, name="learned")
app.add_typer(observations.app, name="observations")
inspector.app.command("federation")(federation.inspect)
app.add_typer(federation.app, name="federation")
app.add_typer(hook.app, name="hook")
app.add_typer(token.app, name="token")


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
