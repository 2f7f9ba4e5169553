"""Answers shared through Redis, where one is configured: those that are dear to make elsewhere.

Redis is slower than this process and than SQLite, and others can read it. So it holds only what
came from elsewhere (results of other servers' tools, pages of the web), never a memory. A Redis
that is slow, down, full or talks nonsense costs a question SECONDS_MAX at most, and after a few
failures nothing: it is left alone for a while (a circuit breaker).

Nothing read is trusted: a value is read up to a size, carries a version, and is JSON that the
caller validates.
"""

import time
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from tmws_mcp.telemetry import get_logger

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")

SECONDS_MAX = 0.1
"""What a call may wait for Redis; a round trip takes a few tenths of a millisecond."""
LIFETIME_SECONDS_MAX = 300.0
VALUE_BYTES_MAX = 256 * 1024
FAILURES_MAX = 3
"""In a row; then it is left alone."""
LEFT_ALONE_SECONDS, LEFT_ALONE_SECONDS_MAX = 15.0, 240.0
"""At first, and after it has failed again and again."""
CONNECTIONS_MAX = 4
VERSION = b"1\n"
"""Raised when the form of a value changes; others' values are then no values."""

log = get_logger("cache")


@dataclass(frozen=True, slots=True)
class Found:
    """A value, and for how long it may still be given."""

    value: bytes
    seconds: float


class RedisLayer:
    """The part of the cache that instances share."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._clock = url, clock
        self._redis: Redis | None = None
        self._failures = self._openings = 0
        self._left_alone_until = 0.0
        self.hits = self.misses = self.failed = 0

    @property
    def is_left_alone(self) -> bool:
        """Whether it has failed so often lately that it is not asked."""
        return self._clock() < self._left_alone_until

    def counters(self) -> dict[str, int]:
        """Return how it served."""
        return {"hits": self.hits, "misses": self.misses, "failed": self.failed}

    async def get(self, namespace: str, key: Hashable) -> Found | None:
        """Return a value that this or another instance has put; None whatever goes wrong."""
        name = _name(namespace, key)
        answered = await self._bounded(lambda redis: _read(redis, name))
        found = _checked(*answered) if answered else None
        if found is None:
            self.misses += 1
        else:
            self.hits += 1
        return found

    async def put(self, namespace: str, key: Hashable, value: bytes, *, seconds: float) -> None:
        """Share a value, if it is not too large; whatever goes wrong, nobody is told."""
        alive = int(1000 * min(seconds, LIFETIME_SECONDS_MAX))
        if len(value) + len(VERSION) > VALUE_BYTES_MAX or alive <= 0:
            return
        name = _name(namespace, key)
        await self._bounded(lambda redis: redis.set(name, VERSION + value, px=alive))

    async def close(self) -> None:
        """Close the connections."""
        redis, self._redis = self._redis, None
        if redis is not None:
            with anyio.move_on_after(SECONDS_MAX, shield=True), suppress(Exception):
                await redis.aclose()

    def reject(self) -> None:
        """Note that a value that was found could not be used."""
        self.hits, self.misses, self.failed = self.hits - 1, self.misses + 1, self.failed + 1

    async def _bounded(self, ask: "Callable[[Redis], Awaitable[T]]") -> T | None:
        """Ask, for no longer than SECONDS_MAX; not at all while it is left alone."""
        if self.is_left_alone:
            return None
        try:
            with anyio.fail_after(SECONDS_MAX):
                answer = await ask(self._opened())
        except Exception as error:  # noqa: BLE001 - a cache must not fail a call, whatever it is
            self._note_failure(error)
            # An answer that comes too late must not be taken for that of the next question.
            await self.close()
            return None
        self._failures = self._openings = 0
        return answer

    def _note_failure(self, error: Exception) -> None:
        self.failed += 1
        self._failures += 1
        if self._failures < FAILURES_MAX:
            return
        pause = min(LEFT_ALONE_SECONDS * 2**self._openings, LEFT_ALONE_SECONDS_MAX)
        self._left_alone_until, self._openings = self._clock() + pause, self._openings + 1
        # One failure is enough after a pause: otherwise each pause costs three calls their wait.
        self._failures = FAILURES_MAX - 1
        log.warning("cache.redis_left_alone", seconds=pause, error=type(error).__name__)

    def _opened(self) -> "Redis":
        if self._redis is None:
            from redis.asyncio import Redis  # noqa: PLC0415 - only where one is configured
            from redis.asyncio.retry import Retry  # noqa: PLC0415 - the same
            from redis.backoff import NoBackoff  # noqa: PLC0415 - the same

            self._redis = Redis.from_url(
                self._url,
                socket_timeout=SECONDS_MAX,
                socket_connect_timeout=SECONDS_MAX,
                retry=Retry(NoBackoff(), 0),
                max_connections=CONNECTIONS_MAX,
            )
        return self._redis


async def _read(redis: "Redis", name: str) -> tuple[Any, Any]:
    """Return a value's beginning and its milliseconds: a large one is not even sent."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.getrange(name, 0, VALUE_BYTES_MAX)
        pipe.pttl(name)
        value, alive = await pipe.execute()
    return value, alive


def _checked(value: object, alive: object) -> Found | None:
    """Return what can be a value of ours."""
    if not isinstance(value, bytes) or not isinstance(alive, int) or alive <= 0:
        return None
    if len(value) > VALUE_BYTES_MAX or not value.startswith(VERSION):
        return None
    return Found(value.removeprefix(VERSION), min(alive / 1000, LIFETIME_SECONDS_MAX))


def _name(namespace: str, key: Hashable) -> str:
    """Return the key's name: a hash, since queries are nobody's business who looks into Redis."""
    digest = blake2b(repr(key).encode(), digest_size=16).hexdigest()
    return f"tm:{{{namespace}}}:answer:{digest}"
