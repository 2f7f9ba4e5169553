"""Values kept in this process for a short while.

Whoever asks may say whether a kept value is still good; one that is not is made anew. Callers that
ask for the same key at once wait for one of them (single flight); lifetimes are spread a little
(jitter), so that entries made together do not all expire together. The least recently used entry
leaves first, by the number of entries and by their bytes; how many of both there may be follows
what is asked (room.py).
"""

import json
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio

from tmws_mcp.cache.room import FIT_SECONDS, Room
from tmws_mcp.model import ExecuteRequest, Scope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ENTRIES = 2_000
BYTES = 16 * 1024 * 1024
"""What a cache begins with; it may grow to four times as much."""
SEEN_MAX = 10_000
"""Keys of what was made: they tell a miss from a question that is asked for the first time."""
JITTER_SHARE = 0.1
"""A lifetime is shortened by up to a tenth."""

T = TypeVar("T")


DAY_SECONDS = 86_400
"""A query may say "yesterday", which another day reads otherwise."""


def execution_key(request: ExecuteRequest, scope: Scope, *, version: str, now: float) -> Hashable:
    """Return the key of an execution: all that its answer depends on beside what is stored."""
    where = (scope.namespace, *scope.also, scope.persona, *scope.within)
    context = json.dumps(request.context, sort_keys=True) if request.context else ""
    asked = (request.query, request.mode, request.token_budget, request.explain, context)
    return version, where, int(now // DAY_SECONDS), asked


async def always(_: object) -> bool:
    """Find any kept value good."""
    return True


@dataclass(slots=True)
class _Flight:
    """A value in the making, and how many wait for it."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    waiting: int = 0


class ProcessCache(Generic[T]):
    """A bounded map with lifetimes; the least recently used entry leaves first.

    `clock` gives seconds, `chance` a number from 0 to 1.
    """

    def __init__(
        self,
        *,
        entries: int = ENTRIES,
        bytes: int = BYTES,  # noqa: A002 - as the attribute
        size: Callable[[T], int] | None = None,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        assert entries > 0
        self.bytes = 0
        self.room = Room(entries, bytes)
        self._sized, self._size = size is not None, size or (lambda _: 0)
        self._clock, self._chance = clock, chance
        self._fit_at = clock() + FIT_SECONDS
        self._entries: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()
        self._flights: dict[Hashable, _Flight] = {}
        self.hits = self.misses = self.again_missed = self.evicted = 0
        self._seen: OrderedDict[Hashable, bool] = OrderedDict()
        """What was made, and whether it has left for want of room."""

    def counters(self) -> dict[str, int]:
        """Return how often values were at hand; `again_missed`: what was made before, and gone."""
        counted = {"hits": self.hits, "misses": self.misses}
        return counted | {"again_missed": self.again_missed, "evicted": self.evicted}

    def held(self) -> dict[str, int]:
        """Return how much is kept now, and for how much there is room."""
        told = {"entries": len(self), "entries_max": self.room.entries_max}
        return told | (
            {"bytes": self.bytes, "bytes_max": self.room.bytes_max} if self._sized else {}
        )

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable) -> T | None:
        """Return the value, if it is there and still alive."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[0] <= self._clock():
            self.drop(key)
            return None
        self._entries.move_to_end(key)
        return entry[1]

    def put(self, key: Hashable, value: T, *, seconds: float) -> None:
        """Keep the value for about as long; one that is larger than all may be is not kept."""
        self.drop(key)
        if (size := self._size(value)) > self.room.bytes_max:
            return
        alive = seconds * (1 - JITTER_SHARE * self._chance())
        self._entries[key] = (self._clock() + alive, value)
        self.bytes += size
        self._fit()
        self._make_room()

    def _make_room(self) -> None:
        while len(self._entries) > self.room.entries_max or self.bytes > self.room.bytes_max:
            leaving = next(iter(self._entries))
            self.drop(leaving)
            self.evicted += 1
            if leaving in self._seen:
                self._seen[leaving] = True

    def _fit(self) -> None:
        """Once a minute: let go of what has expired, and fit the room to what is asked."""
        now = self._clock()
        if now < self._fit_at:
            return
        self._fit_at = now + FIT_SECONDS
        for key in [key for key, (until, _) in self._entries.items() if until <= now]:
            self.drop(key)
        self.room.fit(len(self._entries), self.bytes)

    def drop(self, key: Hashable) -> None:
        """Forget a value, if it is there."""
        if (entry := self._entries.pop(key, None)) is not None:
            self.bytes -= self._size(entry[1])

    async def get_or_make(
        self,
        key: Hashable,
        make: Callable[[], Awaitable[T]],
        *,
        seconds: Callable[[T], float],
        keep: Callable[[T], bool] = lambda _: True,
        good: Callable[[T], Awaitable[bool]] = always,
    ) -> tuple[T, bool]:
        """Return the value and whether it was kept; made at most once however many ask.

        `good` says whether a kept value may be given. A failure is not kept, nor a value that
        `keep` refuses: the next caller tries again.
        """
        async with self._alone(key):
            kept = self.get(key)
            if kept is not None and await good(kept):
                self.hit()
                return kept, True
            self._count_miss(key)
            value = await make()
            if keep(value):
                self.put(key, value, seconds=seconds(value))
            return value, False

    def hit(self) -> None:
        """Count a value that was at hand."""
        self.hits += 1
        self.room.asked += 1

    def _count_miss(self, key: Hashable) -> None:
        self.misses += 1
        self.again_missed += key in self._seen
        self.room.asked += 1
        self.room.lacked += self._seen.get(key, False)
        self._seen[key] = False
        self._seen.move_to_end(key)
        while len(self._seen) > SEEN_MAX:
            self._seen.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self.bytes = 0

    @asynccontextmanager
    async def _alone(self, key: Hashable) -> "AsyncIterator[None]":
        flight = self._flights.setdefault(key, _Flight())
        flight.waiting += 1
        try:
            async with flight.lock:
                yield
        finally:
            flight.waiting -= 1
            if flight.waiting == 0:
                self._flights.pop(key, None)
