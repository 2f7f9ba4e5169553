"""This instance as a member of a namespace's team: the work that goes on in the background.

No tool waits for it. Of several processes on one store the one that holds the lease does it; the
others look now and then whether it still does. A bell wakes it when something was counted here, a
second connection when something came to the hub; without either it looks every TICK_SECONDS.
"""

import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field

import anyio

from tmws_mcp.errors import TmwsError
from tmws_mcp.federation import bodies, fork
from tmws_mcp.federation.bindings import Bindings
from tmws_mcp.federation.evidence import Evidence, Shared
from tmws_mcp.federation.hub import Hub, HubAway, StaleEpoch
from tmws_mcp.federation.replicator import Replicator
from tmws_mcp.federation.wire import Keyring
from tmws_mcp.store import actor as identities
from tmws_mcp.store import lease, namespaces
from tmws_mcp.store import slots as table
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection
from tmws_mcp.telemetry import get_logger

LEASE = "federation"
TICK_SECONDS = 2.0
WINDOW_SECONDS = 0.005
"""Changes that come together go together: without it each commit would be a push of its own."""
PAUSE_SECONDS = 0.05
PAUSE_OF_TICK = 19
"""After a tick that took so long there is a pause so many times as long: sharing takes a twentieth
of the time at most, and where nothing was shared lately what comes is shared at once."""
ECHO_SECONDS = 0.01
"""An answer to a push may come after its echo in the log."""
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
    taken_in: Callable[[int], None] = lambda _: None
    """Told how many slots of other instances were taken in."""
    ns: int = 0
    """The namespace's key in the store, set by `settle`."""
    state: str = "starting"
    """In words, for people."""
    replicator: Replicator | None = None
    _bell: anyio.Event = field(default_factory=anyio.Event)
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
        said = f"away: {error}" if str(error) else f"away: {type(error).__name__}"
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
            self.replicator = self.replicator_for(hub)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._listen, hub, self.replicator)
                try:
                    await self._keep_in_step(self.replicator)
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
        return Replicator(self.store, self.ns, hub, self.keyring, bindings)

    async def _keep_in_step(self, replicator: Replicator) -> None:
        compared_at = float("-inf")
        while await self._has_lease():
            self._bell = anyio.Event()
            began = anyio.current_time()
            await self._tick(replicator)
            took = anyio.current_time() - began
            if self.clock() - compared_at >= COMPARE_SECONDS:
                await replicator.compare()
                compared_at = self.clock()
            self.state = "in step"
            await anyio.sleep(min(max(PAUSE_SECONDS, PAUSE_OF_TICK * took), TICK_SECONDS))
            with anyio.move_on_after(TICK_SECONDS):
                await self._bell.wait()
                await anyio.sleep(WINDOW_SECONDS)

    async def _tick(self, replicator: Replicator) -> None:
        before = replicator.figures.received
        try:
            with suppress(StaleEpoch):  # emptied in the middle: the next one begins anew
                await replicator.tick()
        finally:
            if taken := replicator.figures.received - before:
                self.taken_in(taken)

    async def _listen(self, hub: Hub, replicator: Replicator) -> None:
        while True:
            link = await self.store.read(table.link, self.ns)
            cursor = replicator.after_own(link.cursor)
            try:
                woken = await hub.wait(cursor, WAIT_SECONDS)
                await anyio.sleep(ECHO_SECONDS)
                if woken and replicator.after_own(cursor) != cursor:
                    continue  # it was one's own: what came behind it wakes again
            except HubAway:
                woken = True  # the next tick finds out what it is
            if woken:
                self.ring()
                # What was rung for is read by the tick; until then it would ring again at once.
                await anyio.sleep(PAUSE_SECONDS)


def settle(db: Connection, members: Sequence[Member], now: float, file: str) -> None:
    """Make the namespaces ready, and see whether this file is the one that it was.

    Done before anything is counted: a copy must count as another actor from its first step on.
    """
    for member in members:
        ns = namespaces.ensure(db, member.namespace, now)
        member.ns = ns
        member.shared.add(ns, member.evidence)
        table.move_link(db, ns)
    known = identities.file(db)
    if known is not None and known != file:
        for ns in table.linked(db):
            while members[0].shared.collect(db, ns):
                pass
        fork.leave(db, secrets.token_hex(8), reauthor=bodies.left)
        log.warning("federation.copied", actor=identities.identity(db))
    if known != file:
        identities.set_file(db, file)
