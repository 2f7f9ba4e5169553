"""`tmws-mcp serve`: the transports, and the life of a serving process.

To add a transport, write a function and name it in `TRANSPORTS`.
"""

import gc
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import anyio
from mcp.server.mcpserver import MCPServer

from tmws_mcp.errors import SettingsError, TmwsError
from tmws_mcp.server.app import build_server
from tmws_mcp.settings import Settings
from tmws_mcp.telemetry import configure_logging

if TYPE_CHECKING:
    import uvicorn
    from mcp.server.transport_security import TransportSecuritySettings
    from starlette.types import ASGIApp

LOOPBACK = ("127.0.0.1", "::1", "localhost")
SHUTDOWN_SECONDS_MAX = 0.5  # for open streams; then they are cut
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


async def serve_stdio(server: MCPServer[Any], _: Address) -> None:
    """Serve the client that started this process."""
    from tmws_mcp.server.stdio import serve_stdio as serve_one  # noqa: PLC0415 - its own transport

    if sys.stdin is not None and sys.stdin.isatty():
        _say(HINT)
    await serve_one(server)


async def serve_http(server: MCPServer[Any], address: Address) -> None:
    """Serve streamable HTTP at /mcp."""
    with _listening(address) as listener:
        protection = _protection(listener)
        app = server.streamable_http_app(host=address.host, transport_security=protection)
        await _run(server, app, listener, "/mcp")


async def serve_sse(server: MCPServer[Any], address: Address) -> None:
    """Serve HTTP with server-sent events at /sse, for clients of the 2024 revision."""
    with _listening(address) as listener:
        app = server.sse_app(host=address.host, transport_security=_protection(listener))
        await _run(server, app, listener, "/sse")


TRANSPORTS: dict[str, Callable[[MCPServer[Any], Address], Awaitable[None]]] = {
    "stdio": serve_stdio,
    "http": serve_http,
    "sse": serve_sse,
}


def serve(transport: str, *, host: str | None = None, port: int | None = None) -> NoReturn:
    """Serve until the client goes or a signal comes, and end the process."""
    try:
        settings = Settings.load()
        configure_logging(settings.log_level)
        address = Address(
            settings.http_host if host is None else host,
            settings.http_port if port is None else port,
        )
        server = build_server(settings)
        # What is imported by now lives as long as the process: no collection need look at it.
        gc.freeze()
        gc.enable()
        anyio.run(partial(TRANSPORTS[transport], server, address))
    except TmwsError as error:
        _say(str(error))
        _end(USAGE if isinstance(error, SettingsError) else 1)
    _end(0)


def _listening(address: Address) -> socket.socket:
    """Return a socket that listens on the loopback interface.

    Raises:
        SettingsError: The address is not the loopback's, or is in use.
    """
    if address.host not in LOOPBACK:
        raise SettingsError(
            f"tmws-mcp does not listen on {address.host!r}: without tokens, which come with a "
            "later version, everybody on the network could read and change the memories. "
            f"Use one of {', '.join(LOOPBACK)}, and a tunnel (ssh -L) to reach it from elsewhere."
        )
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family)
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on {address.host} port {address.port} ({error.strerror}). "
            "Choose another port with --port or TMWS_HTTP_PORT; 0 takes any free one."
        ) from error


def _protection(listener: socket.socket) -> "TransportSecuritySettings":
    """Refuse requests that a web page makes through a name that it points at this machine."""
    from mcp.server.transport_security import TransportSecuritySettings  # noqa: PLC0415 - HTTP alone

    port = listener.getsockname()[1]
    hosts = [f"{name}:{port}" for name in ("127.0.0.1", "[::1]", "localhost")]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=hosts,
        allowed_origins=[f"http://{host}" for host in hosts],
    )


async def _run(server: MCPServer[Any], app: "ASGIApp", listener: socket.socket, path: str) -> None:
    """Serve the app until a signal comes; then give open streams a moment and cut them."""
    import uvicorn  # noqa: PLC0415 - HTTP alone

    config = uvicorn.Config(
        app,
        log_config=None,  # ours goes to stderr
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS_MAX,  # type: ignore[arg-type]  # a float will do
    )

    host, port = listener.getsockname()[:2]
    _say(f"tmws-mcp serves http://{f'[{host}]' if ':' in host else host}:{port}{path}")
    lifespan, web = server.settings.lifespan, uvicorn.Server(config)
    assert lifespan is not None
    # Clients of SSE come and go; the engine stays open in between.
    async with lifespan(server), anyio.create_task_group() as tasks:
        if sys.platform != "win32":  # where uvicorn's own way has to do
            # uvicorn would raise the signal again, and end us before the store is closed.
            web.capture_signals = nullcontext  # type: ignore[method-assign,assignment]
            tasks.start_soon(_stop_on_signal, web)
        await web.serve(sockets=[listener])
        tasks.cancel_scope.cancel()


async def _stop_on_signal(web: "uvicorn.Server") -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            web.should_exit = True


def _say(text: str) -> None:
    """Tell the person at the terminal; stdout belongs to the protocol."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - what a command line does


def _end(code: int) -> NoReturn:
    """End the process at once: taking all modules apart first takes 250 ms and gives nothing."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # it was closed before we started
            stream.flush()
    os._exit(code)
