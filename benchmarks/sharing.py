"""Instances that share one namespace over a Redis, for the benchmarks of that."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from tmws_mcp import Settings, open_engine
from tmws_mcp.engine import Engine
from tmws_mcp.store import actor as identities
from tmws_mcp.store import slots as table
from tmws_mcp.store.driver import Connection

NAMESPACE = "bench"
SECONDS_MAX = 300.0
LOAD = 0.05
"""TMWS_FEDERATION_LOAD, as it is unless somebody sets it."""


def settings(folder: Path, url: str, load: float) -> Settings:
    """Return the settings of an instance that shares, or of one that works alone without a URL."""
    environ = {
        "TMWS_HOME": str(folder), "TMWS_EMBEDDER": "none", "TMWS_NAMESPACE": NAMESPACE,
        "TMWS_REDIS_URL": url, "TMWS_FEDERATION_NAMESPACES": NAMESPACE,
        "TMWS_FEDERATION_KEYS": "a secret of the benchmark", "TMWS_FEDERATION_LOAD": str(load),
    }  # fmt: skip
    return Settings.load(environ, cwd=folder)


@asynccontextmanager
async def instance(folder: Path, url: str, load: float = LOAD) -> AsyncIterator[Engine]:
    """Give an instance with its store open."""
    await anyio.Path(folder).mkdir(exist_ok=True, parents=True)
    async with open_engine(settings(folder, url, load)) as engine:
        await engine.statistics()
        yield engine


async def all_shared(engine: Engine) -> None:
    """Wait until all that was counted is at the hub."""
    store = await engine._store()  # noqa: SLF001 - looks at what no tool shows
    with anyio.fail_after(SECONDS_MAX):
        while not await store.read(_is_shared):
            await anyio.sleep(0.05)


def _is_shared(db: Connection) -> bool:
    link = table.link(db, 1)
    return link.pushed >= link.exported >= identities.seq(db)
