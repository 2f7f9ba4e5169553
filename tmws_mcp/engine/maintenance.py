"""The work that no call waits for.

Idle sessions are closed, what was forgotten long ago is erased, missing vectors are filled in. It
is done under a lease, since several processes may serve one store, and in slices, since each holds
the write lock. Whatever fails is logged and tried again at the next round.
"""

import os
import secrets
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import anyio

from tmws_mcp.engine.recalls import Recalls
from tmws_mcp.errors import TmwsError
from tmws_mcp.learning import sessions
from tmws_mcp.memory import consolidate, lifecycle
from tmws_mcp.store import lease
from tmws_mcp.store.database import Database
from tmws_mcp.telemetry import get_logger

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder

ROUND_SECONDS = 60.0
SLICE_ROWS = 200
LEASE = "maintenance"
NOTHING_RETIRES: Mapping[str, int] = MappingProxyType({})

log = get_logger("maintenance")


async def maintain(
    store: Database,
    load_embedder: "Callable[[], Awaitable[Embedder | None]]",
    *,
    clock: Callable[[], float],
    round_seconds: float = ROUND_SECONDS,
    recalls: Recalls | None = None,
    retention: Mapping[str, int] = NOTHING_RETIRES,
) -> None:
    """Do a round of maintenance every `round_seconds`, until cancelled."""
    owner = f"{os.getpid()}-{secrets.token_hex(4)}"
    while True:
        await anyio.sleep(round_seconds)
        try:
            if recalls is not None:  # each process has its own
                await recalls.write_down(store)
            if await store.write(lease.acquire, LEASE, owner, clock()):
                await one_round(store, load_embedder, now=clock(), retention=retention)
                await store.write(lease.release, LEASE, owner)
        except TmwsError as error:
            log.warning("maintenance.failed", error=type(error).__name__)
        except Exception:  # a bug in here must not end the engine that it serves
            log.exception("maintenance.crashed")


async def one_round(
    store: Database,
    load_embedder: "Callable[[], Awaitable[Embedder | None]]",
    *,
    now: float,
    retention: Mapping[str, int] = NOTHING_RETIRES,
) -> None:
    """Do each kind of work once; the vectors slice by slice until none is missing."""
    closed = await store.write(sessions.close_idle, now)
    retired = 0
    while retention and (done := await store.write(consolidate.retire, retention, now)):
        retired += done
    erased = await store.write(lifecycle.purge, now)
    # Each round, and not only after erasing: where others were reading it is done by the next one.
    emptied = await store.empty_log()
    embedded = 0
    if await store.read(lifecycle.any_unembedded) and (embedder := await load_embedder()):
        while done := await store.write(lifecycle.embed_missing, embedder, SLICE_ROWS):
            embedded += done
    if closed or retired or erased or embedded:
        log.info(
            "maintenance.done",
            closed=closed,
            retired=retired,
            erased=erased,
            embedded=embedded,
            emptied=emptied,
        )
