"""Whole instances, each with a store of its own, that share one namespace over a real Redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from tmws_mcp.engine import Engine, open_engine
from tmws_mcp.settings import Settings

NAMESPACE = "team"
KEY = "a secret of the team"
SECONDS_MAX = 20.0


def settings(folder: Path, url: str, **more: str) -> Settings:
    environ = {
        "TMWS_HOME": str(folder),
        "TMWS_EMBEDDER": "none",
        "TMWS_NAMESPACE": NAMESPACE,
        "TMWS_REDIS_URL": url,
        "TMWS_FEDERATION_NAMESPACES": NAMESPACE,
        "TMWS_FEDERATION_KEYS": KEY,
        **{f"TMWS_{name.upper()}": value for name, value in more.items()},
    }
    return Settings.load(environ, cwd=folder)


@asynccontextmanager
async def instance(folder: Path, url: str, **more: str) -> AsyncIterator[Engine]:
    """An instance whose store is open, so that it shares."""
    folder.mkdir(exist_ok=True)
    async with open_engine(settings(folder, url, **more)) as engine:
        await engine.statistics()
        yield engine


async def until(holds) -> None:
    """Wait until an async condition holds."""
    with anyio.fail_after(SECONDS_MAX):
        while not await holds():
            await anyio.sleep(0.02)


async def observe(engine: Engine, tool: str, *, task: str = "", times: int = 1, **more) -> None:
    for _ in range(times):
        told = {"tool_used": tool, "task": task, **more}
        await engine.observe_interaction(
            {name: value for name, value in told.items() if value != ""}
        )


async def support(engine: Engine, tool: str) -> tuple[int, int]:
    """How often the tool was counted on a task, and on how many instances."""
    for one in await engine.learned({"kind": "tool_usage", "tool": tool}):
        if one.definition["tool"] == tool and one.evidence.support:
            return one.evidence.support, one.evidence.instances
    return 0, 0
