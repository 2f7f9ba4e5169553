"""A real store and the real embedder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.memory.notebook import Notebook
from tmws_mcp.embedding.embedder import Embedder, load_embedder
from tmws_mcp.store.database import Database


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return load_embedder("static")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(tmp_path / "tmws.db") as database:
        yield database


@pytest.fixture
def notes(store: Database, embedder: Embedder) -> Notebook:
    return Notebook(store, embedder)
