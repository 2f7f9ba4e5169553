"""`tmws-mcp serve`: what it takes, for people who type it; serve.py does it."""

from typing import Annotated

import typer

from tmws_mcp.cli.serve import TRANSPORTS
from tmws_mcp.cli.serve import serve as serve_until_end


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
