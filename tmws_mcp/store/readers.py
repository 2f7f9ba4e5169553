"""The connections that read: two, and more for as long as calls wait for them.

A connection works on a thread of its own, and a further one brings something only where a core is
idle: there are at most as many as cores, and no more than eight.
"""

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiosqlite
import anyio

READERS_MIN = 2
READERS_MAX = max(READERS_MIN, min(8, os.cpu_count() or 1))
FIT_SECONDS = 60.0
"""So often their number is fitted to the work."""
WORKED_SECONDS_MIN = 1.0
"""Less work than that in a minute says nothing."""
WAITED_SHARE_MIN = 0.25
"""One more where calls wait for a reader for so much of the time that readers work."""
IDLE_SHARE = 0.25
"""One less where readers work for no more of their time."""


class Readers:
    """A pool that opens a connection when one is needed, and fits its own size.

    Who reads waits for a `turn`, and within it takes a connection and gives it back. `connect`
    opens one; `clock` gives seconds.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[aiosqlite.Connection]],
        *,
        most: int = READERS_MAX,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.number = READERS_MIN
        """How many may read at once."""
        self.waited = 0.0
        """Seconds that calls have waited for their turn since the number was last fitted."""
        self._worked, self._fitted = 0.0, clock()
        self._connect, self._most, self._clock = connect, most, clock
        self._idle: list[aiosqlite.Connection] = []
        self._free = anyio.Semaphore(READERS_MIN)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[float]:
        """Wait until one of them may read; gives how long that took, in seconds."""
        asked = self._clock()
        async with self._free:
            began = self._clock()
            self.waited += began - asked
            try:
                yield began - asked
            finally:
                self._worked += self._clock() - began
        await self._fit()

    async def take(self) -> aiosqlite.Connection:
        """Return a connection that nobody uses."""
        return self._idle.pop() if self._idle else await self._connect()

    def give_back(self, connection: aiosqlite.Connection) -> None:
        """Let the next one have it."""
        self._idle.append(connection)

    @asynccontextmanager
    async def nobody(self) -> AsyncIterator[None]:
        """Wait until nobody reads and close all connections; nobody begins while the block runs."""
        held = 0
        while held < self.number:  # which may grow meanwhile
            await self._free.acquire()
            held += 1
        try:
            while self._idle:
                await self._idle.pop().close()
            yield
        finally:
            for _ in range(held):
                self._free.release()

    async def _fit(self) -> None:
        """Once a minute: one more where calls waited much, one less where all were mostly idle."""
        span = self._clock() - self._fitted
        if span < FIT_SECONDS:
            return
        worked, waited = self._worked, self.waited
        self._worked, self.waited, self._fitted = 0.0, 0.0, self._clock()
        if worked >= WORKED_SECONDS_MIN and waited > WAITED_SHARE_MIN * worked:
            self._grow()
        elif worked < IDLE_SHARE * span * self.number:
            await self._shrink()

    def _grow(self) -> None:
        if self.number < self._most:
            self.number += 1
            self._free.release()

    async def _shrink(self) -> None:
        """Take one out whose turn it is not; where all read, the next minute will do."""
        if self.number == READERS_MIN or not self._free.value:
            return
        self._free.acquire_nowait()
        self.number -= 1
        with anyio.CancelScope(shield=True):
            while len(self._idle) > self._free.value:
                await self._idle.pop().close()
