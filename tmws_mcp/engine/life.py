"""The life of an engine: opened with its background work, and closed once nobody works on it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import anyio

from tmws_mcp.engine.engine import Engine
from tmws_mcp.settings import Settings


@asynccontextmanager
async def open_engine(settings: Settings | None = None) -> AsyncIterator[Engine]:
    """Give the engine for as long as the block runs, and close its store afterwards.

    >>> async with open_engine() as engine:                                     # doctest: +SKIP
    ...     await engine.store_memory({"content": "The port is 8931", "tags": ["decision"]})
    """
    failure: Exception | None = None
    async with AsyncExitStack() as after_all_tasks, anyio.create_task_group() as tasks:
        engine = Engine(settings or Settings.load(), tasks)
        after_all_tasks.push_async_callback(engine.close)
        try:
            yield engine
        except Exception as error:  # noqa: BLE001 - raised below, not within a group of errors
            failure = error
        finally:
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
