"""This instance as a member of a namespace's team: the work that goes on in the background.

No tool waits for it. Of several processes on one store the one that holds the lease does it; the
others look now and then whether it still does. A bell wakes it when something was counted here, a
second connection when something came to the hub: both go the quick way (quick.py), at the pace that
keeps them cheap (pace.py). A tick every TICK_SECONDS finds what that has missed.
"""

import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field

import anyio

from tmws_mcp.errors import TmwsError
from tmws_mcp.federation import bodies, fork, replica
from tmws_mcp.federation.bindings import Bindings, Figures
from tmws_mcp.federation.evidence import Evidence, Shared
from tmws_mcp.federation.hub import Hub, HubAway, StaleEpoch
from tmws_mcp.federation.pace import Pace
from tmws_mcp.federation.quick import Heard, Quick
from tmws_mcp.federation.replicator import Replicator
from tmws_mcp.federation.wire import Keyring
from tmws_mcp.store import actor as identities
from tmws_mcp.store import lease, namespaces, shared
from tmws_mcp.store import slots as table
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection
from tmws_mcp.telemetry import get_logger

LEASE = "federation"
TICK_SECONDS = 2.0
RENEW_SECONDS = 5.0
COMPARE_SECONDS = 60.0
RETRY_SECONDS_MIN, RETRY_SECONDS_MAX = 0.5, 30.0
WAIT_SECONDS = 8.0

log = get_logger("federation")

OpenHub = Callable[[], AbstractAsyncContextManager[Hub]]


@dataclass(slots=True)
class Member:
    """One namespace of a store that is shared."""

    store: Database
    namespace: str
    open_hub: OpenHub
    keyring: Keyring
    evidence: Evidence
    shared: Shared
    clock: Callable[[], float]
    load: float
    """Which part of the time sharing may take where there is much of it."""
    taken_in: Callable[[int], None] = lambda _: None
    """Told how many slots of other instances were taken in."""
    ns: int = 0
    """The namespace's key in the store, set by `settle`."""
    state: str = "starting"
    """In words, for people."""
    figures: Figures = field(default_factory=Figures)
    """What went by in this process, over all connections to the hub."""
    _bell: anyio.Event = field(default_factory=anyio.Event)
    _told: int = 0
    """Slots of others that `taken_in` was told of, of those that were taken."""
    _due: float = float("-inf")
    """When the next tick is, which finds what the quick way has missed."""
    _owner: str = field(default_factory=lambda: f"{os.getpid()}-{secrets.token_hex(4)}")
    _renewed_at: float = float("-inf")

    def ring(self) -> None:
        """Say that something was counted; nothing is waited for."""
        self._bell.set()

    async def run(self) -> None:
        """Share until cancelled, whatever happens to the hub."""
        wait = RETRY_SECONDS_MIN
        try:
            while True:
                try:
                    if await self._has_lease():
                        await self._share()
                    wait = RETRY_SECONDS_MIN
                except (HubAway, StaleEpoch, TmwsError) as error:
                    self._is_away(error)
                    wait = min(wait * 2, RETRY_SECONDS_MAX)
                except Exception:  # a bug in here must not end the engine that it serves
                    self.state = "failed: see the log"
                    log.exception("federation.crashed", namespace=self.namespace)
                    wait = RETRY_SECONDS_MAX
                await anyio.sleep(wait)
        finally:
            with anyio.CancelScope(shield=True), suppress(TmwsError):
                await self.store.write(lease.release, self._lease, self._owner)

    @property
    def _lease(self) -> str:
        return f"{LEASE}:{self.namespace}"

    def _is_away(self, error: Exception) -> None:
        """Say what holds sharing up: the hub, or the own store, whose disk may be full."""
        where = "stopped" if isinstance(error, TmwsError) else "away"
        said = f"{where}: {str(error) or type(error).__name__}"
        if said != self.state:
            log.warning("federation.away", namespace=self.namespace, reason=str(error))
        self.state = said

    async def _has_lease(self) -> bool:
        now = self.clock()
        if now - self._renewed_at < RENEW_SECONDS:
            return True
        mine = await self.store.write(lease.acquire, self._lease, self._owner, now)
        self._renewed_at = now if mine else float("-inf")
        if not mine:
            self.state = "another process of this store shares"
        return mine

    async def _share(self) -> None:
        async with self.open_hub() as hub:
            replicator = self.replicator_for(hub)
            quick, pace = Quick(replicator), Pace(self.load)
            await self._tick(replicator)  # the log before it comes with the slots
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._listen, quick, pace)
                try:
                    await self._keep_in_step(quick, pace)
                except (HubAway, StaleEpoch, TmwsError) as error:
                    self._is_away(error)  # raised within the group it would come as another type
                finally:
                    tasks.cancel_scope.cancel()

    def replicator_for(self, hub: Hub) -> Replicator:
        """Return what speaks with a hub about the namespace."""
        bindings = Bindings(
            collect=self.shared.collect,
            adopt=self.shared.adopt,
            reauthor=bodies.left,
            is_sound=bodies.is_sound,
        )
        return Replicator(self.store, self.ns, hub, self.keyring, bindings, figures=self.figures)

    async def _keep_in_step(self, quick: Quick, pace: Pace) -> None:
        compared_at = self._due = float("-inf")
        while await self._has_lease():
            self._bell = anyio.Event()
            began = anyio.current_time()
            if began >= self._due or not await quick.share():
                self._due = began + TICK_SECONDS
                await self._tick(quick.replicator)
            if began - compared_at >= COMPARE_SECONDS:
                await quick.replicator.compare()
                compared_at = began
            self.state = "in step"
            if (
                quick.replicator.has_more
            ):  # a hub that was emptied, or a first connect: go on at once
                quick.replicator.has_more = False
                self._due = float("-inf")
                continue
            await self._rest(pace, began)
            with anyio.move_on_after(max(0.0, self._due - anyio.current_time())):
                await self._bell.wait()

    async def _rest(self, pace: Pace, began: float) -> None:
        now = anyio.current_time()
        pace.spend(now - began, now)
        await anyio.sleep(pace.pause(now))

    async def _tick(self, replicator: Replicator) -> None:
        try:
            with suppress(StaleEpoch):  # emptied in the middle: the next one begins anew
                await replicator.tick()
        finally:
            self._tell()

    def _tell(self) -> None:
        """Say how much was taken in since this was said last, by tick and quick way together."""
        taken = self.figures.received - self._told
        self._told = self.figures.received
        if taken:
            self.taken_in(taken)

    async def _listen(self, quick: Quick, pace: Pace) -> None:
        while True:
            try:
                heard = await quick.hear(WAIT_SECONDS)
                began = anyio.current_time()
                if heard.news:
                    await self._take(quick, heard)
                await self._rest(pace, began)
            except (HubAway, TmwsError):
                self._tick_soon()  # it finds out what it is
                await anyio.sleep(TICK_SECONDS)

    async def _take(self, quick: Quick, heard: Heard) -> None:
        try:
            if await quick.take(heard):
                self._tick_soon()
        finally:
            self._tell()

    def _tick_soon(self) -> None:
        self._due = float("-inf")
        self.ring()


def settle(db: Connection, members: Sequence[Member], now: float, file: str) -> None:
    """Make the namespaces ready, and see whether this file is the one that it was.

    Done before anything is counted: a copy must count as another actor from its first step on.
    """
    shared.index_changes(db)
    for member in members:
        ns = namespaces.ensure(db, member.namespace, now)
        member.ns = ns
        member.shared.add(ns, member.evidence)
        replica.settle(db, ns)
    known = identities.file(db)
    if known is not None and known != file:
        for ns in table.linked(db):
            while members[0].shared.collect(db, ns):
                pass
        fork.leave(db, secrets.token_hex(8), reauthor=bodies.left)
        log.warning("federation.copied", actor=identities.identity(db))
    if known != file:
        identities.set_file(db, file)
