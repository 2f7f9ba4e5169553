"""Opening the store on first use, with the work that goes on beside it, and closing it."""

import os
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import anyio
import anyio.abc

from tmws_mcp.engine import indexing, report
from tmws_mcp.engine.encoder import Encoder
from tmws_mcp.engine.figures import Figures
from tmws_mcp.engine.filling import Filler
from tmws_mcp.engine.maintenance import Retention, maintain
from tmws_mcp.engine.once import Once
from tmws_mcp.engine.recalls import Recalls
from tmws_mcp.errors import StoreMoved
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database


class Opening:
    """The store of an engine: `await opening()` gives it, opened by the first who asks."""

    def __init__(
        self,
        settings: Settings,
        tasks: anyio.abc.TaskGroup,
        *,
        encoder: Encoder,
        recalls: Recalls,
        clock: Callable[[], float],
        begin: Callable[[Database], Awaitable[None]],
    ) -> None:
        """`begin` is told of the store once it is open."""
        self._settings, self._tasks, self._clock = settings, tasks, clock
        self._encoder, self._recalls, self._begin = encoder, recalls, begin
        self.figures = Figures(clock=clock)
        """What is counted of executions: written down by the work beside the store."""
        self._file: tuple[int, int] | None = None
        """Which file the open store is: device and inode."""
        self._once = Once(self._open)

    @property
    def opened(self) -> Database | None:
        """The store, if somebody has opened it."""
        return self._once.opened

    async def __call__(self) -> Database:
        """Return the store, as long as its file is the one that was opened.

        Of a file that was removed or replaced, what is written would be lost without an error.

        Raises:
            StoreMoved: It was.
        """
        store = await self._once()
        if _file_at(store.path) != self._file:
            raise StoreMoved(store.path)
        return store

    async def close(self) -> None:
        """Close the store, once nobody works on it any more."""
        with anyio.CancelScope(shield=True):
            if store := self._once.opened:
                await self._recalls.write_down(store)
                await self.figures.write_down(store)
                await store.__aexit__(None, None, None)

    async def _open(self) -> Database:
        # Shielded: of a store that is half open nobody would close the connections.
        with anyio.CancelScope(shield=True):
            store = Database(self._settings.db, durability=self._settings.durability)
            await store.__aenter__()
            self._file = _file_at(store.path)
            self._start_work(store)
            await self._begin(store)
        return store

    def _start_work(self, store: Database) -> None:
        owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        for work in (
            partial(
                maintain,
                store,
                recalls=self._recalls,
                figures=self.figures,
                retention=self._retention(),
            ),
            partial(indexing.keep_in_shape, store, owner),
        ):
            self._tasks.start_soon(partial(work, clock=self._clock))
        self._tasks.start_soon(Filler(store, self._encoder, self._clock).run)

    def _retention(self) -> Retention:
        settings = self._settings
        memory_days = report.retention_of(settings)
        return Retention(settings.steps_days, settings.sessions_days, memory_days)


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
