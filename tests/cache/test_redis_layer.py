"""What is shared through a real Redis, and what a bad one cannot do."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import pytest

from tests.clock import Clock
from tests.redis_server import RedisServer, client
from tmws_mcp.cache.redis_layer import (
    FAILURES_MAX,
    LEFT_ALONE_SECONDS,
    LEFT_ALONE_SECONDS_MAX,
    LIFETIME_SECONDS_MAX,
    VALUE_BYTES_MAX,
    RedisLayer,
)

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def layer(url: str, clock: Callable[[], float] | None = None) -> AsyncIterator[RedisLayer]:
    made = RedisLayer(url, clock=clock or Clock())
    try:
        yield made
    finally:
        await made.close()


async def test_what_one_puts_another_gets_within_its_namespace(redis_url: str) -> None:
    async with layer(redis_url) as one, layer(redis_url) as other:
        await one.put("here", ("a", 1), b'{"x": 1}', seconds=60)
        found = await other.get("here", ("a", 1))
        elsewhere = await other.get("there", ("a", 1))
        another = await other.get("here", ("a", 2))

    assert found is not None
    assert found.value == b'{"x": 1}'
    assert 50 < found.seconds <= 60
    assert elsewhere is another is None
    assert other.counters() == {"hits": 1, "misses": 2, "failed": 0}


async def test_lifetimes_and_sizes_are_bounded(redis_url: str) -> None:
    async with layer(redis_url) as shared:
        await shared.put("here", "long", b"1", seconds=10**6)
        await shared.put("here", "large", b"x" * VALUE_BYTES_MAX, seconds=60)
        await shared.put("here", "over", b"1", seconds=0)
        found = await shared.get("here", "long")

    assert found is not None
    assert found.seconds <= LIFETIME_SECONDS_MAX
    with client(redis_url) as looked:
        assert len(looked.keys()) == 1


async def test_a_query_cannot_be_read_in_redis(redis_url: str) -> None:
    async with layer(redis_url) as shared:
        await shared.put("here", ("what is the password of ada",), b"1", seconds=60)

    with client(redis_url) as looked:
        [name] = looked.keys()
    assert b"password" not in name
    assert name.startswith(b"tm:{here}:answer:")


@pytest.mark.parametrize(
    "value", [b"", b"nonsense", b"2\n{}", b"1\n" + b"x" * VALUE_BYTES_MAX], ids=len
)
async def test_what_is_no_value_of_ours_is_a_miss(redis_url: str, value: bytes) -> None:
    async with layer(redis_url) as shared:
        await shared.put("here", "k", b"1", seconds=60)
        with client(redis_url) as looked:
            [name] = looked.keys()
            looked.set(name, value, ex=60)
        found = await shared.get("here", "k")

    assert found is None


async def test_another_type_of_key_is_a_miss(redis_url: str) -> None:
    async with layer(redis_url) as shared:
        await shared.put("here", "k", b"1", seconds=60)
        with client(redis_url) as looked:
            [name] = looked.keys()
            looked.delete(name)
            looked.rpush(name, "a list")
        assert await shared.get("here", "k") is None
        assert shared.failed == 1


async def test_a_redis_that_is_down_is_left_alone_and_tried_again() -> None:
    clock = Clock()
    async with layer("redis://127.0.0.1:1/0", clock) as shared:
        for _ in range(FAILURES_MAX):
            assert await shared.get("here", "k") is None
        failed = shared.failed
        await shared.get("here", "k")
        left_alone = shared.failed
        clock.now += LEFT_ALONE_SECONDS
        await shared.get("here", "k")
        await shared.get("here", "k")
        tried_again = shared.failed

    assert failed == left_alone == FAILURES_MAX
    assert tried_again == FAILURES_MAX + 1


async def test_the_pauses_grow_up_to_a_limit() -> None:
    clock = Clock()
    async with layer("redis://127.0.0.1:1/0", clock) as shared:
        for _ in range(12):
            await shared.get("here", "k")
            clock.now = shared._left_alone_until
        before = clock.now
        await shared.get("here", "k")

        assert shared._left_alone_until - before == LEFT_ALONE_SECONDS_MAX


async def test_a_redis_that_says_nothing_costs_a_bounded_time() -> None:
    """The listener takes the connection and keeps silent."""
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, _silent)
            with anyio.fail_after(10):
                async with layer(f"redis://127.0.0.1:{port}/0") as shared:
                    for _ in range(FAILURES_MAX + 5):
                        assert await shared.get("here", "k") is None
            assert shared.failed == FAILURES_MAX
            tasks.cancel_scope.cancel()


async def _silent(stream: anyio.abc.SocketStream) -> None:
    async with stream:
        await anyio.sleep_forever()


async def test_a_redis_that_talks_nonsense_is_a_miss() -> None:
    async def nonsense(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.send(b"HTTP/1.1 200 OK\r\n\r\n" * 100)

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, nonsense)
            with anyio.fail_after(10):
                async with layer(f"redis://127.0.0.1:{port}/0") as shared:
                    assert await shared.get("here", "k") is None
            tasks.cancel_scope.cancel()


async def test_a_redis_that_comes_back_serves_again(crashable_redis: RedisServer) -> None:
    clock = Clock()
    async with layer(crashable_redis.url, clock) as shared:
        await shared.put("here", "k", b"1", seconds=60)
        crashable_redis.kill()
        for _ in range(FAILURES_MAX):
            assert await shared.get("here", "k") is None
        crashable_redis.start()
        clock.now += LEFT_ALONE_SECONDS
        await shared.put("here", "k", b"2", seconds=60)
        found = await shared.get("here", "k")

    assert found is not None
    assert found.value == b"2"


async def test_a_full_redis_fails_no_call(crashable_redis: RedisServer) -> None:
    with client(crashable_redis.url) as looked:
        looked.config_set("maxmemory", 1)
    async with layer(crashable_redis.url) as shared:
        await shared.put("here", "k", b"1", seconds=60)

        assert shared.failed == 1
        assert await shared.get("here", "k") is None
