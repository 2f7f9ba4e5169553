"""The work that no call waits for.

Idle sessions are closed, and what was forgotten long ago is erased. It is done under a lease, since
several processes may serve one store, and in slices, since each holds the write lock. Whatever
fails is logged and tried again at the next round. Missing vectors are filling.py's business.
"""

import os
import secrets
from collections.abc import Callable, Mapping
from types import MappingProxyType

import anyio

from tmws_mcp.engine.recalls import Recalls
from tmws_mcp.errors import TmwsError
from tmws_mcp.learning import sessions
from tmws_mcp.memory import consolidate, lifecycle
from tmws_mcp.store import lease
from tmws_mcp.store.database import Database
from tmws_mcp.telemetry import get_logger

ROUND_SECONDS = 60.0
LEASE = "maintenance"
NOTHING_RETIRES: Mapping[str, int] = MappingProxyType({})

log = get_logger("maintenance")


async def maintain(
    store: Database,
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
                await one_round(store, now=clock(), retention=retention)
                await store.write(lease.release, LEASE, owner)
        except TmwsError as error:
            log.warning("maintenance.failed", error=type(error).__name__)
        except Exception:  # a bug in here must not end the engine that it serves
            log.exception("maintenance.crashed")


async def one_round(
    store: Database, *, now: float, retention: Mapping[str, int] = NOTHING_RETIRES
) -> None:
    """Do each kind of work once."""
    closed = await store.write(sessions.close_idle, now)
    retired = 0
    while retention and (done := await store.write(consolidate.retire, retention, now)):
        retired += done
    erased = await store.write(lifecycle.purge, now)
    # Each round, and not only after erasing: where others were reading it is done by the next one.
    emptied = await store.empty_log()
    if closed or retired or erased:
        log.info("maintenance.done", closed=closed, retired=retired, erased=erased, emptied=emptied)
