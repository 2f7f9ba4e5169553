"""The vectors that are missing, made in the background.

After a change of embedder these are all; after a memory was stored with a slow one it is one. Work
begins when somebody wakes it and goes on slice after slice: texts are read, encoded while nothing
is locked, and stored in a short transaction. A slice takes about SLICE_SECONDS, and as long is
rested after it. What is done stands in the store, so that another start, or another process once
the lease has lapsed, goes on where this one was killed.
"""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from tmws_mcp.engine.encoder import Encoder
from tmws_mcp.errors import EmbedderUnavailable, TmwsError
from tmws_mcp.memory.search import filling
from tmws_mcp.memory.search.meaning import quantised
from tmws_mcp.store import embedders, lease
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection
from tmws_mcp.telemetry import get_logger

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder

LEASE = "embedding"
ROUND_SECONDS = 60.0
"""How often it is looked for what nobody woke us for: another process's work, say."""
BEGIN_SECONDS = 1.0
"""A process that ends before, like a command in a shell, need not load the embedder."""
CHANGE_SECONDS = 3.0
"""One that ends before this does not change the store's embedder."""
RETRY_SECONDS, RETRY_SECONDS_MAX = 2.0, 60.0
SLICE_SECONDS = 0.5
SLICE_ROWS_MIN, SLICE_ROWS_MAX = 8, 200
REST_SHARE = 1.0
"""Rest after a slice, in parts of what it took: half of the time belongs to the calls."""

log = get_logger("embedding")


@dataclass(slots=True)
class Filler:
    """Makes the missing vectors of one store, as one of the processes that may."""

    store: Database
    encoder: Encoder
    clock: Callable[[], float]
    round_seconds: float = ROUND_SECONDS
    begin_seconds: float = field(default_factory=lambda: BEGIN_SECONDS)
    change_seconds: float = field(default_factory=lambda: CHANGE_SECONDS)
    rest_share: float = REST_SHARE
    owner: str = field(default_factory=lambda: f"{os.getpid()}-{secrets.token_hex(4)}")
    started_at: float = 0.0
    rows: int = SLICE_ROWS_MIN
    retry_seconds: float = RETRY_SECONDS

    async def run(self) -> None:
        """Work whenever there is something to do, until cancelled."""
        self.started_at = self.clock()
        await self.encoder.woken(self.begin_seconds)
        while True:
            try:
                pause = await self.attempt()
            except EmbedderUnavailable as error:
                self.encoder.failed(error)
                pause, self.retry_seconds = self.retry_seconds, self.retry_seconds * 2
                self.retry_seconds = min(self.retry_seconds, RETRY_SECONDS_MAX, self.round_seconds)
            except TmwsError as error:
                log.warning("embedding.failed", error=type(error).__name__)
                pause = self.round_seconds
            except Exception:  # a bug in here must not end the engine that it serves
                log.exception("embedding.crashed")
                pause = self.round_seconds
            await self.encoder.woken(pause)

    async def attempt(self) -> float:
        """Make what is missing, if this process may; return for how many seconds to wait."""
        embedder = await self.encoder.load()
        if embedder is None:
            return min(RETRY_SECONDS_MAX, self.round_seconds)
        if not self.store.vectors or not await self.store.read(filling.any_left, embedder.id):
            self.encoder.missing = 0
            return self.round_seconds
        done, wanted = await self.store.read(embedders.progress, embedder.id)
        self.encoder.missing = wanted - done
        if delay := await self._delay(embedder):
            return delay
        if not await self.store.write(lease.acquire, LEASE, self.owner, self.clock()):
            return min(lease.LEASE_SECONDS, self.round_seconds)
        try:
            await self._all(embedder)
        finally:
            with anyio.CancelScope(shield=True):
                await self.store.write(lease.release, LEASE, self.owner)
        return self.round_seconds

    async def _delay(self, embedder: "Embedder") -> float:
        """Return for how long another embedder's vectors are to be left as they are."""
        if await self.store.read(embedders.former, embedder.id):
            young = self.started_at + self.change_seconds - self.clock()
            if young > 0:
                return young
        chosen = await self.store.write(embedders.claim, embedder.id, self.started_at)
        if chosen == embedder.id:
            return 0.0
        self.encoder.problem = (
            f"Another process, started later, makes this store's vectors by {chosen}, this one by "
            f"{embedder.id}. Set the same TMWS_EMBEDDER for both and restart this server."
        )
        return self.round_seconds

    async def _all(self, embedder: "Embedder") -> None:
        made = 0
        while True:
            began = anyio.current_time()
            done = await self._slice(embedder)
            if done is None:
                break
            made += done
            spent = max(anyio.current_time() - began, 1e-3)
            in_time = int(self.rows * SLICE_SECONDS / spent)
            self.rows = min(max(in_time, SLICE_ROWS_MIN), SLICE_ROWS_MAX)
            await anyio.sleep(spent * self.rest_share)
        log.info("embedding.done", embedded=made)

    async def _slice(self, embedder: "Embedder") -> int | None:
        """Make some vectors; None when nothing is left, or another process took over."""
        waiting = await self.store.read(filling.waiting, embedder.id, self.rows)
        texts = [one.text for one in waiting]
        encode = partial(_encoded, embedder, texts)
        rows = await anyio.to_thread.run_sync(encode, abandon_on_cancel=True)
        self.encoder.answered()
        self.retry_seconds = RETRY_SECONDS
        store = partial(_stored, embedder=embedder, waiting=waiting, rows=rows)
        done = await self.store.write(store, owner=self.owner, now=self.clock())
        self.encoder.missing = max((self.encoder.missing or 0) - (done or 0), 0)
        return done


def _encoded(embedder: "Embedder", texts: list[str]) -> list[bytes]:
    return quantised(embedder.encode(texts)) if texts else []


def _stored(
    db: Connection,
    *,
    embedder: "Embedder",
    waiting: list[filling.Waiting],
    rows: list[bytes],
    owner: str,
    now: float,
) -> int | None:
    """Store a slice under the lease; None when this was the last, or the lease is lost."""
    if not lease.acquire(db, LEASE, owner, now):
        return None
    done = filling.fill(db, embedder, waiting, rows)
    return None if not waiting and filling.finish(db, embedder.id) else done
