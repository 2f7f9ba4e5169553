from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.learning.desk import Desk, opened
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with Database(tmp_path / "tmws.db") as store:
        yield Desk(store)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    with opened(tmp_path) as connection:
        yield connection
