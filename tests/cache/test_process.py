import anyio
import anyio.lowlevel
import pytest

from tests.clock import Clock
from tmws_mcp.cache.process import JITTER_SHARE, ProcessCache, execution_key
from tmws_mcp.cache.room import ASKED_MIN, FIT_SECONDS, SCALE_MAX
from tmws_mcp.model import ExecuteRequest, Scope

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> ProcessCache[str]:
    return ProcessCache(entries=3, clock=clock, chance=lambda: 0.0)


class Maker:
    """Makes a value, and counts how often."""

    def __init__(self) -> None:
        self.made = 0

    async def __call__(self) -> str:
        self.made += 1
        await anyio.lowlevel.checkpoint()
        return f"value {self.made}"


async def test_a_value_is_made_once_and_then_kept(cache: ProcessCache[str]) -> None:
    make = Maker()

    assert await cache.get_or_make("k", make, seconds=lambda _: 60) == ("value 1", False)
    assert await cache.get_or_make("k", make, seconds=lambda _: 60) == ("value 1", True)
    assert (cache.hits, cache.misses, len(cache)) == (1, 1, 1)


async def test_a_value_lives_for_its_time(cache: ProcessCache[str], clock: Clock) -> None:
    cache.put("k", "v", seconds=60)

    clock.now += 59.9
    assert cache.get("k") == "v"
    clock.now += 0.1
    assert cache.get("k") is None
    assert len(cache) == 0


async def test_lifetimes_are_spread_by_a_tenth_at_most(clock: Clock) -> None:
    cache: ProcessCache[str] = ProcessCache(clock=clock, chance=lambda: 1.0)
    cache.put("k", "v", seconds=60)

    clock.now += 60 * (1 - JITTER_SHARE) - 0.1
    assert cache.get("k") == "v"
    clock.now += 0.2
    assert cache.get("k") is None


async def test_the_least_recently_used_leaves_first(cache: ProcessCache[str]) -> None:
    for key in "abc":
        cache.put(key, key, seconds=60)
    cache.get("a")
    cache.put("d", "d", seconds=60)

    assert [cache.get(key) for key in "abcd"] == ["a", None, "c", "d"]


async def test_many_callers_at_once_cause_one_making(cache: ProcessCache[str]) -> None:
    make = Maker()
    values = []

    async def ask() -> None:
        values.append(await cache.get_or_make("k", make, seconds=lambda _: 60))

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(ask)

    assert make.made == 1
    assert {value for value, _ in values} == {"value 1"}
    assert sum(kept for _, kept in values) == 19


async def test_a_failure_is_raised_and_not_kept(cache: ProcessCache[str]) -> None:
    async def fail() -> str:
        raise LookupError("no")

    with pytest.raises(LookupError):
        await cache.get_or_make("k", fail, seconds=lambda _: 60)

    assert await cache.get_or_make("k", Maker(), seconds=lambda _: 60) == ("value 1", False)


async def test_a_value_that_is_not_whole_is_given_and_not_kept(cache: ProcessCache[str]) -> None:
    value, kept = await cache.get_or_make("k", Maker(), seconds=lambda _: 60, keep=lambda _: False)

    assert (value, kept, len(cache)) == ("value 1", False, 0)


async def test_when_the_maker_is_cancelled_a_waiter_takes_over(cache: ProcessCache[str]) -> None:
    started = anyio.Event()

    async def hang() -> str:
        started.set()
        await anyio.sleep_forever()
        raise AssertionError

    answers = []

    async def wait_for_it() -> None:
        answers.append(await cache.get_or_make("k", Maker(), seconds=lambda _: 60))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as both:
            with anyio.CancelScope() as first:
                async with anyio.create_task_group() as hanging:
                    hanging.start_soon(lambda: cache.get_or_make("k", hang, seconds=lambda _: 60))
                    await started.wait()
                    both.start_soon(wait_for_it)
                    await anyio.wait_all_tasks_blocked()
                    first.cancel()

    assert answers == [("value 1", False)]
    assert not cache._flights


async def test_other_keys_do_not_wait(cache: ProcessCache[str]) -> None:
    async def nested() -> str:
        inner, _ = await cache.get_or_make("inner", Maker(), seconds=lambda _: 60)
        return f"outer of {inner}"

    with anyio.fail_after(5):
        value, _ = await cache.get_or_make("outer", nested, seconds=lambda _: 60)

    assert value == "outer of value 1"


def test_the_key_holds_all_that_an_answer_depends_on() -> None:
    scope = Scope(namespace="one", source="argument", also=("user",))
    request = ExecuteRequest(query="q", context={"a": 1, "b": 2})

    def key(request: ExecuteRequest = request, scope: Scope = scope, **others: object) -> object:
        return execution_key(request, scope, **({"version": "1", "now": 86_400.0} | others))

    assert key() == key(ExecuteRequest(query="q", context={"b": 2, "a": 1}))
    different = [
        key(version="2"),
        key(now=2 * 86_400.0),
        key(scope=Scope(namespace="two", source="argument", also=("user",))),
        key(scope=Scope(namespace="one", source="argument")),
        key(scope=scope.model_copy(update={"persona": "Ada"})),
        key(ExecuteRequest(query="Q")),
        key(request.model_copy(update={"context": {}})),
        key(request.model_copy(update={"token_budget": 100})),
        key(request.model_copy(update={"mode": "fast"})),
        key(request.model_copy(update={"explain": True})),
    ]
    assert len({key(), *different}) == 11


async def test_the_bytes_of_all_values_are_bounded(clock: Clock) -> None:
    cache: ProcessCache[str] = ProcessCache(bytes=10, size=len, clock=clock)
    for key in "abc":
        cache.put(key, key * 4, seconds=60)
    cache.put("large", "x" * 11, seconds=60)

    assert [cache.get(key) for key in ("a", "b", "c", "large")] == [None, "bbbb", "cccc", None]
    assert cache.bytes == 8
    cache.clear()
    assert cache.bytes == 0


async def test_a_value_that_is_no_longer_good_is_made_anew(cache: ProcessCache[str]) -> None:
    async def bad(value: str) -> bool:
        return value != "value 1"

    make = Maker()
    await cache.get_or_make("k", make, seconds=lambda _: 60, good=bad)
    second = await cache.get_or_make("k", make, seconds=lambda _: 60, good=bad)
    third = await cache.get_or_make("k", make, seconds=lambda _: 60, good=bad)

    assert (second, third) == (("value 2", False), ("value 2", True))


async def ask_in_turn(cache: ProcessCache[str], clock: Clock, keys: int) -> int:
    """Ask for each of some keys again and again for a minute; how often was one at hand?"""
    make, before = Maker(), cache.hits
    for number in range(ASKED_MIN):
        await cache.get_or_make(number % keys, make, seconds=lambda _: 10 * FIT_SECONDS)
        clock.now += FIT_SECONDS / ASKED_MIN
    return cache.hits - before


async def test_room_grows_while_what_had_to_leave_is_asked_for_again(
    cache: ProcessCache[str], clock: Clock
) -> None:
    """Of five keys in turn, a cache of three entries has none when it is asked for."""
    assert await ask_in_turn(cache, clock, keys=5) == 0
    await ask_in_turn(cache, clock, keys=5)

    assert cache.room.entries_max == 6
    assert await ask_in_turn(cache, clock, keys=5) == ASKED_MIN


async def test_room_grows_up_to_a_limit(cache: ProcessCache[str], clock: Clock) -> None:
    for _ in range(6):
        await ask_in_turn(cache, clock, keys=50)

    assert (cache.room.scale, len(cache)) == (SCALE_MAX, 3 * SCALE_MAX)


async def test_room_does_not_grow_for_what_is_asked_only_once(
    cache: ProcessCache[str], clock: Clock
) -> None:
    for _ in range(3):
        await ask_in_turn(cache, clock, keys=ASKED_MIN)
        cache._seen.clear()  # as if each key were a new one

    assert cache.room.scale == 1


async def test_room_that_is_not_used_is_taken_back_and_what_expired_let_go(
    cache: ProcessCache[str], clock: Clock
) -> None:
    for _ in range(3):
        await ask_in_turn(cache, clock, keys=12)
    assert cache.room.scale == SCALE_MAX

    clock.now += 10 * FIT_SECONDS
    cache.put("a", "v", seconds=60)
    assert len(cache) == 1
    for _ in range(2):
        clock.now += FIT_SECONDS
        cache.put("a", "v", seconds=60)

    assert cache.room.scale == 1
