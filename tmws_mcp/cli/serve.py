"""`tmws-mcp serve`: the transports, and the life of a serving process.

To add a transport, write a function and name it in `TRANSPORTS`.
"""

import gc
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

import anyio

from tmws_mcp import __version__
from tmws_mcp.errors import SettingsError, TmwsError
from tmws_mcp.settings import Settings
from tmws_mcp.telemetry import configure_logging, traced

USAGE = 2  # the exit code of settings that cannot be used

HINT = """\
tmws-mcp speaks MCP on stdin and stdout; it is meant to be started by a client.
  Claude Code:     claude mcp add tmws -- tmws-mcp
  Look at it:      tmws-mcp inspect tools
  Over HTTP:       tmws-mcp serve --transport http
Ctrl-C ends it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an HTTP transport listens."""

    host: str
    port: int
    worker: str = ""
    """Of one of several processes: what the one that started it tells it."""


async def serve_stdio(settings: Settings, _: Address) -> None:
    """Serve the client that started this process."""
    from tmws_mcp.server.app import build_server  # noqa: PLC0415 - loads the SDK
    from tmws_mcp.server.stdio import serve_stdio as serve_one  # noqa: PLC0415 - its own transport

    if sys.stdin is not None and sys.stdin.isatty():
        _say(HINT)
    await serve_one(build_server(settings))


async def serve_http(settings: Settings, address: Address) -> None:
    """Serve streamable HTTP at /mcp and REST at /api/v1."""
    from tmws_mcp.web import serving  # noqa: PLC0415 - HTTP alone
    from tmws_mcp.web.workers import Worker  # noqa: PLC0415 - see above

    if address.worker:
        await serving.serve_as_worker(
            settings, address.host, address.port, Worker.read(address.worker)
        )
    else:
        await serving.serve_http(settings, address.host, address.port, _say)


async def serve_sse(settings: Settings, address: Address) -> None:
    """Serve the same, and HTTP with server-sent events at /sse."""
    _say(
        "The transport sse is deprecated by the MCP specification since its revision of March "
        "2025: use --transport http and /mcp where the client can."
    )
    await serve_http(settings.model_copy(update={"http_sse": True}), address)


TRANSPORTS: dict[str, Callable[[Settings, Address], Awaitable[None]]] = {
    "stdio": serve_stdio,
    "http": serve_http,
    "sse": serve_sse,
}


def serve(
    transport: str,
    *,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
    worker: str = "",
) -> NoReturn:
    """Serve until the client goes or a signal comes, and end the process."""
    try:
        settings = Settings.load()
        if workers is not None:
            settings = settings.model_copy(update={"http_workers": workers})
        configure_logging(settings.log_level)
        address = Address(
            settings.http_host if host is None else host,
            settings.http_port if port is None else port,
            worker,
        )
        # What is imported by now lives as long as the process: no collection need look at it.
        gc.freeze()
        gc.enable()
        with traced(settings.otlp_url, __version__):
            anyio.run(partial(TRANSPORTS[transport], settings, address))
    except TmwsError as error:
        _say(str(error))
        _end(USAGE if isinstance(error, SettingsError) else 1)
    _end(0)


def _say(text: str) -> None:
    """Tell the person at the terminal; stdout belongs to the protocol."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - what a command line does


def _end(code: int) -> NoReturn:
    """End the process at once: taking all modules apart first takes 250 ms and gives nothing."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # it was closed before we started
            stream.flush()
    os._exit(code)
