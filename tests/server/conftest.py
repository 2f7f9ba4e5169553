"""The server in memory, spoken to by the SDK's own client in both protocol eras."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp import Client

from tmws_mcp.server.app import build_server
from tmws_mcp.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a fresh store, with the embedder off: what it finds is not tested here."""
    environ = {"TMWS_HOME": str(tmp_path), "TMWS_EMBEDDER": "none", "TMWS_NAMESPACE": "tests"}
    return Settings.load(environ, cwd=tmp_path)


@pytest.fixture(params=["legacy", "auto"])
async def client(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Client]:
    async with Client(build_server(settings), mode=request.param) as connected:
        yield connected
