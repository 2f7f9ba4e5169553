"""Keeping the index of words in shape, in slices: filling it up, and merging its segments.

Each slice is a transaction of its own, so that recall and other processes go on in between. Only
the holder of a lease does it: two mergers would throw each other's work away.
"""

from collections.abc import Callable

import anyio

from tmws_mcp.errors import TmwsError
from tmws_mcp.memory.language.terms import VERSION
from tmws_mcp.store import forward, lease, segments
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection
from tmws_mcp.telemetry import get_logger

FILLED_AT_ONCE = 200
MERGES_MAX = 64
"""In one go; what is left is left for the next."""
ROUND_SECONDS = 5.0
LEASE = "indexing"

log = get_logger("indexing")


async def keep_in_shape(store: Database, owner: str, *, clock: Callable[[], float]) -> None:
    """Look every ROUND_SECONDS whether there is something to do, at once to begin with."""
    while True:
        try:
            if await store.read(_is_pending) and await store.write(
                lease.acquire, LEASE, owner, clock()
            ):
                await tidy(store)
                await store.write(lease.release, LEASE, owner)
        except TmwsError as error:
            log.warning("indexing.failed", error=type(error).__name__)
        except Exception:  # a bug in here must not end the engine that it serves
            log.exception("indexing.crashed")
        await anyio.sleep(ROUND_SECONDS)


def _is_pending(db: Connection) -> bool:
    return bool(_is_outdated(db) or forward.backlog_size(db) or segments.crowded(db))


def _is_outdated(db: Connection) -> bool:
    """Tell whether older rules divided the texts; newer ones are another process's affair."""
    return forward.rules(db) < VERSION


async def tidy(store: Database) -> None:
    """Index all that waits for it, all anew after a change of rules; merge what can be merged."""
    if await store.read(_is_outdated):
        await store.write(forward.index_anew, VERSION)
    filled, merges = await _fill(store), await _merge(store)
    if filled or merges:
        log.info("indexing.done", filled=filled, merges=merges)


async def _fill(store: Database) -> int:
    from tmws_mcp.memory.search import index  # noqa: PLC0415 - it imports numpy

    filled = 0
    while await store.read(forward.backlog_size):
        filled += await store.write(index.fill, FILLED_AT_ONCE)
    return filled


async def _merge(store: Database) -> int:
    merges = 0
    for ns in await store.read(segments.crowded):
        while merges < MERGES_MAX and await _merge_once(store, ns):
            merges += 1
    return merges


async def _merge_once(store: Database, ns: int) -> bool:
    from tmws_mcp.memory.search import index  # noqa: PLC0415 - it imports numpy

    begun = await store.write(index.begin_merge, ns)
    if begun is None:
        return False
    merged, parts = begun
    for number in range(index.SLICES):
        if not await store.write(index.merge_slice, ns, merged, parts, number):
            return False
    return await store.write(index.end_merge, ns, merged, parts)
