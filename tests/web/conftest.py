"""The application in this process, asked over ASGI: what is tested goes through all of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from tmws_mcp.settings import Settings
from tmws_mcp.web.app import build_app
from tmws_mcp.web.reach import reach_of

BASE = "http://127.0.0.1:8931"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a fresh store, with the embedder off: what it finds is not tested here."""
    environ = {"TMWS_HOME": str(tmp_path), "TMWS_EMBEDDER": "none", "TMWS_NAMESPACE": "tests"}
    return Settings.load(environ, cwd=tmp_path)


@asynccontextmanager
async def asking(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    app = build_app(settings, reach_of("127.0.0.1", 8931, names=settings.http_names))
    asgi = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=asgi, base_url=BASE) as client,
    ):
        yield client


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    async with asking(settings) as connected:
        yield connected
