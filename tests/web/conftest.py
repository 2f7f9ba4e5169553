"""The application in this process, asked over ASGI: what is tested goes through all of it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from tmws_mcp.settings import Settings
from tmws_mcp.web.app import build_app
from tmws_mcp.web.reach import reach_of

BASE = "http://127.0.0.1:8931"
API = "/api/v1"


def settings_in(folder: Path, **chosen: Any) -> Settings:
    """Settings of a fresh store, with the embedder off: what it finds is not tested here."""
    environ = {"TMWS_HOME": str(folder), "TMWS_EMBEDDER": "none", "TMWS_NAMESPACE": "tests"}
    return Settings.load(environ, cwd=folder).model_copy(update=chosen)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@asynccontextmanager
async def running(settings: Settings, *, tokens: bool = False) -> AsyncIterator[FastAPI]:
    reach = reach_of("127.0.0.1", 8931, names=settings.http_names)
    app = build_app(settings, reach, tokens=tokens)
    async with app.router.lifespan_context(app):
        yield app


def asker(app: FastAPI, token: str = "") -> httpx2.AsyncClient:
    asgi = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx2.AsyncClient(transport=asgi, base_url=BASE, headers=headers)


@asynccontextmanager
async def asking(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    async with running(settings) as app, asker(app) as connected:
        yield connected


async def make_token(
    app: FastAPI, *can: str, namespaces: Sequence[str] = (), per_minute: int = 0
) -> str:
    engine = await app.state.engine.opened()
    asked = {
        "name": "test", "permissions": can, "namespaces": namespaces, "per_minute": per_minute,
    }  # fmt: skip
    return str((await engine.tokens.create(asked)).secret)


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    async with asking(settings) as connected:
        yield connected
