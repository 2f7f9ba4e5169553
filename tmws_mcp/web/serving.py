"""The life of a process that serves HTTP: it listens, serves, and ends in good order."""

import signal
import socket
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

import anyio
import uvicorn

from tmws_mcp.engine import open_engine
from tmws_mcp.errors import SettingsError
from tmws_mcp.settings import Settings
from tmws_mcp.web.app import build_app
from tmws_mcp.web.draining import Draining
from tmws_mcp.web.reach import LOOPBACK, is_loopback, reach_of
from tmws_mcp.web.workers import Worker, supervise, until_left_alone

if TYPE_CHECKING:
    from starlette.types import ASGIApp

MESSAGE_BYTES_MAX = 4096  # from a WebSocket's client, who has nothing to say


async def serve_http(settings: Settings, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve until a signal comes; `say` tells the person at the terminal where.

    Raises:
        SettingsError: The address cannot be listened on, or not so.
    """
    if settings.http_sse and settings.http_workers > 1:
        raise SettingsError(
            "A client of SSE needs the process that it began with, so that there can be only one: "
            "set TMWS_HTTP_WORKERS=1, or serve without SSE."
        )
    if needs_tokens(settings, host):
        await _check_tokens(settings, host)
    workers = settings.http_workers
    # Not shared: a port at which another server's workers listen must not be listened on too.
    with _listening(host, port) as listener:
        port = listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        say(f"tmws-mcp serves http://{shown}:{port}{'/sse' if settings.http_sse else '/mcp'}")
        if workers == 1:
            await _serve(settings, host, listener)
            return
    command = ("serve", "--transport", "http", "--host", host, "--port", str(port))
    team = (*command, "--workers", str(workers))
    await supervise(workers, team, settings.http_drain_seconds)


async def serve_as_worker(settings: Settings, host: str, port: int, worker: Worker) -> None:
    """Serve as one of several processes, until it or the one that started it ends."""
    with _listening(host, port, shared=True) as listener:
        await _serve(settings, host, listener, worker)


async def _serve(
    settings: Settings, host: str, listener: socket.socket, worker: Worker | None = None
) -> None:
    port = listener.getsockname()[1]
    reach = reach_of(host, port, names=settings.http_names, origins=settings.http_origins)
    app = build_app(settings, reach, tokens=needs_tokens(settings, host), worker=worker)
    web = uvicorn.Server(configured(app, settings.http_drain_seconds))
    await _run(web, listener, app.state.draining, alone=worker is None)


def configured(app: "ASGIApp", drain_seconds: float) -> uvicorn.Config:
    """Return how the application is served, and how long calls at work may take at the end."""
    return uvicorn.Config(
        app,
        log_config=None,  # ours goes to stderr
        access_log=False,
        timeout_graceful_shutdown=drain_seconds,  # type: ignore[arg-type]  # a float will do
        ws="websockets-sansio",
        ws_max_size=MESSAGE_BYTES_MAX,
        ws_per_message_deflate=False,  # it would hold a window of memory for each socket
    )


def needs_tokens(settings: Settings, host: str) -> bool:
    """Say whether callers need a token: wherever others than this machine's users may call."""
    return settings.http_tokens or not is_loopback(host) or bool(settings.http_names)


async def _check_tokens(settings: Settings, host: str) -> None:
    """See whether there is a token that lets anybody in.

    Raises:
        SettingsError: There is none; the message says how to make one.
    """
    async with open_engine(settings) as engine:
        if not await engine.tokens.any_good():
            raise SettingsError(
                f"tmws-mcp does not serve {host} without tokens: everybody who reaches it could "
                "read and change the memories. Make one with `tmws-mcp token create NAME --can "
                f"read --can write`, or listen on {LOOPBACK[0]} alone and reach it by a tunnel "
                "(ssh -L)."
            )


def _listening(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Return a socket that listens; a shared one lets other processes of this user do so too.

    Raises:
        SettingsError: The address is in use, or is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, reuse_port=shared)
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on {host} port {port} ({error.strerror}). "
            "Choose another port with --port or TMWS_HTTP_PORT (0 takes any free one), or "
            "another address with --host or TMWS_HTTP_HOST."
        ) from error
    # asyncio sends small writes at once (TCP_NODELAY) only on sockets that say that they are TCP's;
    # otherwise a reply's body waits for its head to be acknowledged: 40 ms.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=listener.detach())


async def _run(
    web: uvicorn.Server, listener: socket.socket, draining: Draining, *, alone: bool
) -> None:
    """Serve until a signal comes; then answer what is at work, and end streams at once."""

    def end() -> None:
        draining.begin()
        web.should_exit = True

    async with anyio.create_task_group() as tasks:
        if sys.platform != "win32":  # where uvicorn's own way has to do
            # uvicorn would raise the signal again, and end us before the store is closed.
            web.capture_signals = nullcontext  # type: ignore[method-assign,assignment]
            tasks.start_soon(_on_signal, end)
        if not alone:
            tasks.start_soon(until_left_alone, end)
        await web.serve(sockets=[listener])
        tasks.cancel_scope.cancel()


async def _on_signal(end: Callable[[], None]) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            end()
