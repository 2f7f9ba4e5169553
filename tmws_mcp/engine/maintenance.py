"""The work that no call waits for.

Idle sessions are closed, what was forgotten long ago is erased, missing vectors are filled in. It
is done under a lease, since several processes may serve one store, and in slices, since each holds
the write lock. Whatever fails is logged and tried again at the next round.
"""

import os
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from tmws_mcp.errors import TmwsError
from tmws_mcp.learning import forgetting, history, sessions
from tmws_mcp.learning import log as observed
from tmws_mcp.memory import lifecycle
from tmws_mcp.store import lease
from tmws_mcp.store.database import Database
from tmws_mcp.telemetry import get_logger

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder

ROUND_SECONDS = 60.0
SLICE_ROWS = 200
LEASE = "maintenance"

log = get_logger("maintenance")


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days observations are kept; 0: no limit."""

    steps_days: int = 0
    sessions_days: int = 0


async def maintain(
    store: Database,
    load_embedder: "Callable[[], Awaitable[Embedder | None]]",
    *,
    clock: Callable[[], float],
    retention: Retention = Retention(),
    round_seconds: float = ROUND_SECONDS,
) -> None:
    """Do a round of maintenance every `round_seconds`, until cancelled."""
    owner = f"{os.getpid()}-{secrets.token_hex(4)}"
    while True:
        await anyio.sleep(round_seconds)
        try:
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
    retention: Retention = Retention(),
) -> None:
    """Do each kind of work once; what may be much, slice by slice until nothing is left."""
    closed = await store.write(sessions.close_idle, now)
    erased = await store.write(lifecycle.purge, now)
    erased += await _forget_what_is_old(store, retention, now)
    # Each round, and not only after erasing: where others were reading it is done by the next one.
    emptied = await store.empty_log()
    embedded = 0
    if await store.read(lifecycle.any_unembedded) and (embedder := await load_embedder()):
        while done := await store.write(lifecycle.embed_missing, embedder, SLICE_ROWS):
            embedded += done
    if closed or erased or embedded:
        log.info(
            "maintenance.done", closed=closed, erased=erased, embedded=embedded, emptied=emptied
        )


async def _forget_what_is_old(store: Database, retention: Retention, now: float) -> int:
    """Erase observations over their days, old history, and what can no longer be undone."""
    erased = await store.write(forgetting.purge, now)
    erased += await store.write(history.prune, now)
    while dropped := await store.write(
        observed.tidy,
        now,
        steps_days=retention.steps_days,
        sessions_days=retention.sessions_days,
    ):
        erased += dropped
    return erased
