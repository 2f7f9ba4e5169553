"""The work that no call waits for.

Idle sessions are closed, and what was forgotten long ago is erased. It is done under a lease, since
several processes may serve one store, and in slices, since each holds the write lock. Whatever
fails is logged and tried again at the next round. Missing vectors are filling.py's business.
"""

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import anyio

from tmws_mcp.engine.figures import Figures
from tmws_mcp.engine.recalls import Recalls
from tmws_mcp.errors import TmwsError
from tmws_mcp.learning import forgetting, history, sessions
from tmws_mcp.learning import log as observed
from tmws_mcp.memory import lifecycle
from tmws_mcp.memory.upkeep import consolidate
from tmws_mcp.store import events, lease
from tmws_mcp.store.database import Database
from tmws_mcp.telemetry import get_logger

ROUND_SECONDS = 60.0
LEASE = "maintenance"

log = get_logger("maintenance")


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days things are kept; 0, or none: no limit."""

    steps_days: int = 0
    sessions_days: int = 0
    memory_days: Mapping[str, int] = field(default_factory=dict)
    """By kind of memory; older ones are archived."""


FOR_EVER = Retention()


async def maintain(
    store: Database,
    *,
    clock: Callable[[], float],
    round_seconds: float = ROUND_SECONDS,
    recalls: Recalls | None = None,
    figures: Figures | None = None,
    retention: Retention = FOR_EVER,
) -> None:
    """Do a round of maintenance every `round_seconds`, until cancelled."""
    owner = f"{os.getpid()}-{secrets.token_hex(4)}"
    while True:
        await anyio.sleep(round_seconds)
        try:
            if recalls is not None:  # each process has its own
                await recalls.write_down(store)
            if figures is not None:
                await figures.write_down(store)
            if await store.write(lease.acquire, LEASE, owner, clock()):
                await one_round(store, now=clock(), retention=retention)
                await store.write(lease.release, LEASE, owner)
        except TmwsError as error:
            log.warning("maintenance.failed", error=type(error).__name__)
        except Exception:  # a bug in here must not end the engine that it serves
            log.exception("maintenance.crashed")


async def one_round(store: Database, *, now: float, retention: Retention = FOR_EVER) -> None:
    """Do each kind of work once; what may be much, slice by slice until nothing is left."""
    closed = await store.write(sessions.close_idle, now)
    retired = 0
    by_kind = retention.memory_days
    while by_kind and (done := await store.write(consolidate.retire, by_kind, now)):
        retired += done
    erased = await store.write(lifecycle.purge, now)
    await store.write(events.tidy, now)
    erased += await _forget_what_is_old(store, retention, now)
    # Each round, and not only after erasing: where others were reading it is done by the next one.
    emptied = await store.empty_log()
    if closed or retired or erased:
        log.info("maintenance.done", closed=closed, retired=retired, erased=erased, emptied=emptied)


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
