"""What happens, for those who watch: written into the store while somebody does, read from there.

A server may be several processes (workers, a desktop client, hooks), and whoever watches wants to
hear of all. So a process puts its events into the store, in batches, and only while a lease says
that somebody watches; a watcher reads on from where it stopped as soon as anybody has committed.
There is no queue for a watcher: one that is slow finds that the ring has moved on, and is told how
much it has missed (docs/decisions/0017-a-feed-in-the-store.md).
"""

import secrets
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import anyio
import anyio.abc

from tmws_mcp.errors import TmwsError
from tmws_mcp.model import JsonObject
from tmws_mcp.model.events import Event, EventKind
from tmws_mcp.store import events as table
from tmws_mcp.store import lease
from tmws_mcp.store.database import Database
from tmws_mcp.store.events import Read, Told
from tmws_mcp.telemetry import get_logger

WAITING_MAX = 500
"""Events of this process that are not written yet; older ones are dropped and counted."""
GATHER_SECONDS = 0.2
"""Events that come together are written together: each commit makes every process look again."""
LOOK_SECONDS = 0.1
"""A watcher looks so often whether anybody has written: some ten microseconds each time."""
RENEW_SECONDS = 5.0
BATCH_MAX = 100
ALERTS_SECONDS = 10.0
ALERTS = "alerts"

log = get_logger("feed")


@dataclass(frozen=True, slots=True)
class _Waiting:
    namespace: str
    kind: EventKind
    at: float
    data: Callable[[], JsonObject]


class Feed:
    """The events of a store, and the part of this process in them."""

    def __init__(
        self,
        tasks: anyio.abc.TaskGroup,
        *,
        store: Callable[[], Awaitable[Database]],
        alerts: Callable[[], Awaitable[Sequence[str]]],
        clock: Callable[[], float],
    ) -> None:
        self._tasks, self._store, self._alerts, self._clock = tasks, store, alerts, clock
        self._waiting: deque[_Waiting] = deque()
        self._dropped: Counter[str] = Counter()
        self._told = anyio.Event()
        self._runs = False
        self._unwatched_at: int | None = None
        """The store's version at which nobody watched."""
        self._renewed_at = float("-inf")
        self._owner = secrets.token_hex(8)
        self._known_alerts: frozenset[str] = frozenset()
        self._alerts_at = float("-inf")

    def tell(self, kind: EventKind, namespace: str, data: Callable[[], JsonObject]) -> None:
        """Say that something has happened; nothing is waited for.

        `data` is asked only where somebody watches: an answer that is kept costs less than it.
        """
        while len(self._waiting) >= WAITING_MAX:
            self._dropped[self._waiting.popleft().namespace] += 1
        self._waiting.append(_Waiting(namespace, kind, self._clock(), data))
        self._told.set()
        if not self._runs:
            self._runs = True
            self._tasks.start_soon(self._write_on)

    async def write_down(self, store: Database) -> None:
        """Write what waits, if anybody watches; else it is dropped."""
        waiting, dropped = self._taken()
        if not waiting:
            return
        version = store.version()
        if version is not None and version == self._unwatched_at:
            return  # nobody has written since, and so nobody has begun to watch
        try:
            if not await store.read(table.is_watched, self._clock()):
                self._unwatched_at = version
            else:
                told = [Told(one.namespace, one.kind, one.at, one.data()) for one in waiting]
                await store.write(table.append, told, dropped)
        except TmwsError as error:  # a full disk must not take more than the events
            log.info("feed.not_written", error=type(error).__name__)

    async def watch(
        self, namespaces: Collection[str] | None, kinds: Collection[EventKind] = ()
    ) -> "Watcher":
        """Return who hears of all that happens from now on.

        `namespaces`: None gives all, with what concerns the whole server; `kinds`: empty gives all.

        Raises:
            StoreError: The store cannot be written.
        """
        names = None if namespaces is None else tuple(dict.fromkeys(namespaces))
        store = await self._store()
        await self.write_down(store)  # what has happened here by now is not "from now on"
        seen = await store.write(table.watch, names, self._clock())
        return Watcher(self, store, Wanted(names, frozenset(kinds)), seen)

    async def keep_watching(self, store: Database) -> None:
        """Have all processes know that somebody watches, and look for alerts, now and then."""
        now = self._clock()
        if now - self._renewed_at >= RENEW_SECONDS:
            self._renewed_at = now
            await store.write(table.watch, (), now)
        if now - self._alerts_at >= ALERTS_SECONDS:
            self._alerts_at = now
            await self._tell_alerts(store, now)

    def now(self) -> float:
        """Return the time by the engine's clock, in seconds since 1970."""
        return self._clock()

    @property
    def waiting(self) -> int:
        """Events of this process that are not written yet."""
        return len(self._waiting)

    def _taken(self) -> "tuple[list[_Waiting], Counter[str]]":
        waiting, dropped = list(self._waiting), self._dropped
        self._waiting.clear()
        self._dropped = Counter()
        return waiting, dropped

    async def _write_on(self) -> None:
        while True:
            await self._told.wait()
            self._told = anyio.Event()
            await anyio.sleep(GATHER_SECONDS)
            try:
                await self.write_down(await self._store())
            except TmwsError as error:  # a store that cannot be opened: each call says so itself
                log.info("feed.not_written", error=type(error).__name__)
            except Exception:  # a bug in here must not end the engine that it serves
                log.exception("feed.crashed")

    async def _tell_alerts(self, store: Database, now: float) -> None:
        """Tell the alerts that are new; one process of those that watch does it for all."""
        if not await store.write(lease.acquire, ALERTS, self._owner, now):
            return
        found = frozenset(await self._alerts())
        for alert in sorted(found - self._known_alerts):
            self.tell("alert", table.SERVER, partial(_alert, alert))
        self._known_alerts = found


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a watcher wants to hear of."""

    namespaces: tuple[str, ...] | None
    kinds: frozenset[EventKind] = frozenset()


class Watcher:
    """Somebody who watches: where it stopped reading, and nothing more."""

    def __init__(self, feed: Feed, store: Database, wanted: Wanted, seen: dict[str, int]) -> None:
        self._feed, self._store, self._wanted, self._seen = feed, store, wanted, seen
        self._version: int | None = None

    async def more(self) -> list[Event]:
        """Wait until something has happened, and return up to BATCH_MAX events.

        Raises:
            StoreError: The store cannot be read any more.
        """
        while True:
            await self._feed.keep_watching(self._store)
            if found := await self._look():
                return found
            await anyio.sleep(LOOK_SECONDS)

    async def _look(self) -> list[Event]:
        """Read on, if anybody has written since everything was read."""
        version = self._store.version()
        if version is not None and version == self._version:
            return []
        names = self._wanted.namespaces
        found = await self._store.read(table.after, self._seen, names, BATCH_MAX, self._feed.now())
        for one in found:
            self._seen[one.told.namespace] = one.number
        self._version = None if len(found) == BATCH_MAX else version
        shown = (event for one in found for event in _shown(one))
        return [event for event in shown if self._wants(event.kind)]

    def _wants(self, kind: EventKind) -> bool:
        return not self._wanted.kinds or kind in self._wanted.kinds or kind == "lost"


def _alert(text: str) -> JsonObject:
    return {"alert": text}


def _shown(one: Read) -> Iterable[Event]:
    told = one.told
    if one.lost:
        yield _event("lost", told.namespace, told.at, one.number, {"events": one.lost})
    if told.kind != "lost":
        yield _event(told.kind, told.namespace, told.at, one.number, told.body)


def _event(kind: object, namespace: str, at: float, number: int, data: object) -> Event:
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return Event.model_validate(
        {
            "kind": kind,
            "namespace": namespace,
            "at": moment.replace("+00:00", "Z"),
            "number": number,
            "data": data,
        }
    )
