from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.learning.desk import Desk
from tmws_mcp.store.database import Database


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with Database(tmp_path / "tmws.db") as store:
        yield Desk(store)
