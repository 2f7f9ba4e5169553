"""A real store on a real file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tmws_mcp.store.database import Database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "tmws.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Database]:
    async with Database(path) as database:
        yield database
