"""A real engine on a real store, with a clock that the test moves."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tmws_mcp.engine import Engine, open_engine
from tmws_mcp.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    environ = {
        "HOME": str(tmp_path),
        "TMWS_HOME": str(tmp_path / "home"),
        "TMWS_NAMESPACE": "here",
        "TMWS_WORKSPACE": str(tmp_path),
    }
    return Settings.load(environ, cwd=tmp_path)


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[Engine]:
    async with open_engine(settings) as opened:
        yield opened
