"""A group's bridge at work in the background, with a store of its own for each of its sides.

Of several processes on one store the one that holds the lease carries. The two replicas are files
beside the store: lost, they fill again from the hubs, but then as other actors, so that the old
ones have to be forgotten (`federation forget --actor`).
"""

import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import anyio

from tmws_mcp.errors import TmwsError
from tmws_mcp.federation import aggregate, bodies, replica
from tmws_mcp.federation.bindings import Bindings
from tmws_mcp.federation.bridge import Bridge
from tmws_mcp.federation.hub import Hub, HubAway, StaleEpoch
from tmws_mcp.federation.replicator import Replicator
from tmws_mcp.federation.wire import Keyring
from tmws_mcp.store import lease, namespaces
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection
from tmws_mcp.telemetry import get_logger

CARRY_SECONDS = 2.0
COMPARE_SECONDS = 60.0
RETRY_SECONDS = 5.0

log = get_logger("federation")


@dataclass(frozen=True, slots=True)
class Side:
    """A hub that a bridge has one of its ends at."""

    keyring: Keyring
    open_hub: Callable[[], AbstractAsyncContextManager[Hub]]

    def path(self, folder: Path) -> Path:
        """Return the file of its replica."""
        name = blake2b(self.keyring.namespace.encode(), digest_size=6).hexdigest()
        return folder / f"bridge-{name}.db"


@dataclass(slots=True)
class Carrier:
    """The bridge of one group of a namespace."""

    store: Database
    """Whose lease says which process carries."""
    group: Side
    above: Side
    clock: Callable[[], float]
    _owner: str = field(default_factory=lambda: f"{os.getpid()}-{secrets.token_hex(4)}")

    async def run(self) -> None:
        """Carry until cancelled, whatever happens to the hubs."""
        while True:
            try:
                if await self._has_lease():
                    await self._carry()
            except (HubAway, StaleEpoch, TmwsError) as error:
                log.warning("federation.bridge_away", reason=str(error) or type(error).__name__)
            except Exception:  # a bug in here must not end the engine that it serves
                log.exception("federation.bridge_crashed", group=self.group.keyring.namespace)
            await anyio.sleep(RETRY_SECONDS)

    async def _has_lease(self) -> bool:
        name = f"bridge:{self.group.keyring.namespace}"
        return await self.store.write(lease.acquire, name, self._owner, self.clock())

    async def _carry(self) -> None:
        async with AsyncExitStack() as opened:
            folder = self.store.path.parent
            group, above = [
                await opened.enter_async_context(_replicator(side, folder, self.clock()))
                for side in (self.group, self.above)
            ]
            bridge, compared_at = Bridge(group, above, aggregate.summed), float("-inf")
            while await self._has_lease():
                await bridge.tick()
                if self.clock() - compared_at >= COMPARE_SECONDS:
                    compared_at = self.clock()
                    for side in (group, above):
                        await side.compare()
                await anyio.sleep(CARRY_SECONDS)


@asynccontextmanager
async def _replicator(side: Side, folder: Path, now: float) -> AsyncIterator[Replicator]:
    bindings = Bindings(_nothing_of_its_own, _nothing_to_adopt, bodies.left, bodies.is_sound)
    async with Database(side.path(folder)) as store, side.open_hub() as hub:
        ns = await store.write(_settle, side.keyring.namespace, now)
        yield Replicator(store, ns, hub, side.keyring, bindings)


def _settle(db: Connection, name: str, now: float) -> int:
    ns = namespaces.ensure(db, name, now)
    replica.settle(db, ns)
    return ns


def _nothing_of_its_own(_db: Connection, _ns: int) -> bool:
    return False


def _nothing_to_adopt(_db: Connection, _ns: int, _keys: object) -> None:
    """Learn nothing: nobody asks a bridge for advice."""
