"""The application behind a real uvicorn on a free port of the loopback interface."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass

import anyio
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from tmws_mcp.settings import Settings
from tmws_mcp.web.app import build_app
from tmws_mcp.web.reach import reach_of
from tmws_mcp.web.serving import configured

HOST = "127.0.0.1"
Around = Callable[[ASGIApp], ASGIApp]


@dataclass(frozen=True)
class Served:
    app: FastAPI
    web: uvicorn.Server
    url: str

    @property
    def socket_url(self) -> str:
        return self.url.replace("http://", "ws://") + "/ws"


@asynccontextmanager
async def served(
    settings: Settings, *, tokens: bool = False, around: Around = lambda app: app
) -> AsyncIterator[Served]:
    """Serve; `around` returns what stands before the application."""
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
        app = build_app(settings, reach_of(HOST, port), tokens=tokens)
        web = uvicorn.Server(configured(around(app), settings.http_drain_seconds))
        web.capture_signals = nullcontext
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(web.serve, [listener])
            with anyio.fail_after(10):
                while not web.started:
                    await anyio.sleep(0.01)
            try:
                yield Served(app, web, f"http://{HOST}:{port}")
            finally:
                app.state.draining.begin()
                web.should_exit = True
