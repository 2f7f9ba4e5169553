"""What a hub has to do: the same for the one in memory and for Redis."""

import secrets
from collections.abc import AsyncIterator

import anyio
import pytest

from tests.federation import world
from tests.redis_server import RedisServer, client
from tmws_mcp.federation import wire
from tmws_mcp.federation.hub import START, TRAIL_MAX, Hub, HubAway, OtherMark, Sealed, StaleEpoch
from tmws_mcp.federation.memory_hub import MemoryHub
from tmws_mcp.federation.redis_hub import redis_hub
from tmws_mcp.federation.wire import Entry, Keyring
from tmws_mcp.model.federation import Mark, Slot

pytestmark = pytest.mark.anyio
RING = Keyring("tests", (b"k" * 32,))
A, B = "a" * 16, "b" * 16
WAIT_SECONDS = 5.0


@pytest.fixture(params=["memory", "redis"])
async def hub(request: pytest.FixtureRequest) -> AsyncIterator[Hub]:
    if request.param == "memory":
        yield MemoryHub()
        return
    url = request.getfixturevalue("redis_url")
    async with redis_hub(url, "tests", wait_seconds=WAIT_SECONDS) as opened:
        yield opened


def message(actor: str, start: int, end: int, *slots: Slot, tag: bytes = b"t" * 8) -> Sealed:
    entry = Entry(wire.VERSION, actor, start, end, tag, list(slots))
    values = [(slot, wire.stored(actor, slot, RING)) for slot in slots]
    return Sealed(actor, start, end, tag, values, *wire.sealed(entry, RING))


async def push(hub: Hub, actor: str, start: int, end: int, *slots: Slot) -> None:
    await hub.push((await hub.open()).epoch, message(actor, start, end, *slots))


async def held(hub: Hub, actor: str) -> dict[bytes, Slot]:
    found, cursor = {}, 0
    while True:
        page = await hub.page(actor, cursor)
        found |= {key: wire.restored(actor, key, value, RING) for key, value in page.slots}
        if not (cursor := page.cursor):
            return found


async def test_an_empty_hub_makes_an_epoch_and_keeps_it(hub: Hub) -> None:
    first, second = await hub.open(), await hub.open()
    assert first.epoch
    assert first == second
    assert not first.marks


async def test_slots_and_mark_and_log_move_together(hub: Hub) -> None:
    slot = Slot(b"ox", 0, 3, b"body")
    await push(hub, A, 0, 3, slot)
    assert (await hub.open()).marks == {A: Mark(3, b"t" * 8)}
    assert await held(hub, A) == {b"ox": slot}
    log = await hub.read(START)
    assert [wire.opened(*line, RING).slots for line in log.entries] == [[slot]]
    assert not (await hub.read(log.cursor)).entries


async def test_the_newer_state_of_a_slot_stays_whatever_the_order(hub: Hub) -> None:
    states = [Slot(b"ox", 0, 9, b"old life"), Slot(b"ox", 1, 4, b"new"), Slot(b"ox", 1, 3, b"old")]
    for one in states:
        await push(hub, A, 0, 9, one)
    assert await held(hub, A) == {b"ox": states[1]}


async def test_a_mark_does_not_move_across_a_gap_nor_back(hub: Hub) -> None:
    await push(hub, A, 0, 5)
    await push(hub, A, 6, 9)
    await push(hub, A, 0, 2)
    assert (await hub.open()).marks[A].seq == 5
    await push(hub, A, 4, 8)
    assert (await hub.open()).marks[A].seq == 8


async def test_numbers_are_exact_up_to_their_limit(hub: Hub) -> None:
    last = wire.SEQ_MAX - 1
    await push(hub, A, 0, last, Slot(b"ox", last - 1, last, b"body"))
    await push(hub, A, 0, last, Slot(b"ox", last - 1, last - 1, b"older"))
    assert (await held(hub, A))[b"ox"].body == b"body"
    assert (await hub.open()).marks[A].seq == last


async def test_what_was_meant_for_another_epoch_is_not_applied(hub: Hub) -> None:
    await hub.open()
    with pytest.raises(StaleEpoch):
        await hub.push("other", message(A, 0, 3, Slot(b"ox", 0, 3, b"body")))
    assert not await held(hub, A)


async def test_what_expects_another_mark_is_not_applied(hub: Hub) -> None:
    epoch = (await hub.open()).epoch
    first = message(A, 0, 3, Slot(b"ox", 0, 3, b"body"))
    with pytest.raises(OtherMark):
        await hub.push(epoch, first._replace(expects=b"u" * 8))
    await hub.push(epoch, first._replace(expects=b""))
    second = message(A, 3, 4, Slot(b"oy", 0, 4, b"body"), tag=b"u" * 8)
    with pytest.raises(OtherMark):
        await hub.push(epoch, second._replace(expects=b""))
    assert set(await held(hub, A)) == {b"ox"}
    await hub.push(epoch, second._replace(expects=b"t" * 8))
    assert (await hub.open()).marks[A] == Mark(4, b"u" * 8)


@pytest.mark.parametrize("bodies", [(b"a", b"b"), (b"a", b"ab"), (b"\x7f", b"\x80"), (b"z", b"")])
async def test_of_two_bodies_with_one_number_the_same_one_stays_whichever_came_first(
    hub: Hub, bodies: tuple[bytes, bytes]
) -> None:
    one, other = (Slot(b"ox", 0, 3, body) for body in bodies)
    for actor, both in ((A, (one, other)), (B, (other, one))):
        for slot in both:
            await push(hub, actor, 0, 3, slot)
        assert await held(hub, actor) == {b"ox": other}


async def test_the_tags_that_a_mark_has_had_are_kept_up_to_a_limit(hub: Hub) -> None:
    assert not await hub.trail(A)
    tags = [b"%08d" % n for n in range(TRAIL_MAX + 5)]
    for n, tag in enumerate(tags):
        await hub.push((await hub.open()).epoch, message(A, n, n + 1, tag=tag))
    await hub.push((await hub.open()).epoch, message(A, 0, 1, tag=b"too late"))
    assert list(await hub.trail(A)) == tags[-TRAIL_MAX:]
    assert not await hub.trail(B)


async def test_a_tombstone_redacts_all_actors_slots_and_the_log(hub: Hub) -> None:
    await push(hub, A, 0, 3, Slot(b"ox", 0, 3, b"body"), Slot(b"oy", 0, 2, b"other"))
    await push(hub, B, 0, 3, Slot(b"ox", 0, 3, b"body"))
    await push(hub, B, 3, 4, Slot(b"xox", 1, 4, b"-"))
    assert (await held(hub, A))[b"ox"] == Slot(b"ox", 0, 3, b"")
    assert (await held(hub, A))[b"oy"].body == b"other"
    assert (await held(hub, B))[b"ox"].body == b""
    log = await hub.read(START)
    assert not any(b"body" in raw for raw, _ in log.entries)


async def test_what_comes_after_its_tombstone_comes_redacted(hub: Hub) -> None:
    await push(hub, B, 0, 4, Slot(b"xox", 1, 4, b"-"))
    await push(hub, A, 0, 3, Slot(b"ox", 0, 3, b"body"))
    assert (await held(hub, A))[b"ox"].body == b""
    assert not any(b"body" in raw for raw, _ in (await hub.read(START)).entries)
    await push(hub, A, 3, 5, Slot(b"ox", 1, 5, b"new life"))
    assert (await held(hub, A))[b"ox"].body == b"new life"
    assert any(b"new life" in raw for raw, _ in (await hub.read(START)).entries)


async def test_a_farewell_redacts_what_the_actor_counted_up_to_then(hub: Hub) -> None:
    await push(hub, A, 0, 7, Slot(b"ox", 0, 3, b"body"), Slot(b"oy", 0, 7, b"later"))
    await push(hub, B, 0, 1, Slot(b"X" + A.encode(), 5, 1, b"-"))
    found = await held(hub, A)
    assert (found[b"ox"].body, found[b"oy"].body) == (b"", b"later")
    await push(hub, A, 0, 5, Slot(b"oz", 0, 5, b"late"))
    assert (await held(hub, A))[b"oz"].body == b""


async def test_thousands_of_slots_come_page_by_page(hub: Hub) -> None:
    slots = [Slot(b"o%d" % n, 0, n, b"body") for n in range(1, 2_501)]
    for start in range(0, 2_500, 500):
        await push(hub, A, start, start + 500, *slots[start : start + 500])
    assert len(await held(hub, A)) == 2_500


async def test_what_instances_say_that_they_hold_is_told(hub: Hub) -> None:
    await hub.tell(A, {A: (3, 12345678901234567), B: (0, 7)})
    assert await hub.told() == {A: {A: (3, 12345678901234567), B: (0, 7)}}


async def test_waiting_ends_when_something_comes(hub: Hub) -> None:
    with anyio.fail_after(WAIT_SECONDS * 2):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(push, hub, A, 0, 3)
            assert len((await hub.wait(START, WAIT_SECONDS)).entries) == 1


async def test_waiting_ends_when_nothing_comes(hub: Hub) -> None:
    with anyio.fail_after(WAIT_SECONDS * 2):
        assert not (await hub.wait(START, 0.01)).entries


async def test_two_instances_agree_over_redis(redis_url: str) -> None:
    async with redis_hub(redis_url, "tests", wait_seconds=1) as hub:
        a, b = world.node(1, _Async(hub)), world.node(2, _Async(hub))
        a.count("x", good=3)
        b.count("x", bad=1)
        for one in (a, b, a):
            await _drive(one.replicator.tick())
        a.forget("x")
        for one in (a, b, a):
            await _drive(one.replicator.tick())
            await _drive(one.replicator.compare())
        assert world.agree(a, b)
        assert not b.totals()
        with client(redis_url) as looked:
            for key in looked.keys("*"):
                assert b"secret of x" not in (looked.dump(key) or b"")


class _Async:
    """Keeps the calls of a real hub apart from the steps of the simulated store."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def __getattr__(self, name: str):
        return getattr(self._hub, name)


async def _drive(work) -> None:
    """Run a protocol step whose store is simulated and whose hub is real."""

    class _Awaitable:
        def __await__(self):
            result = None
            while True:
                try:
                    waiting = work.send(result)
                except StopIteration:
                    return
                result = None if waiting is None else (yield waiting)

    await _Awaitable()


async def test_a_redis_that_is_gone_is_away_and_comes_back(crashable_redis: RedisServer) -> None:
    async with redis_hub(crashable_redis.url, "tests", wait_seconds=1) as hub:
        await push(hub, A, 0, 3, Slot(b"ox", 0, 3, b"body"))
        before = (await hub.open()).epoch
        crashable_redis.kill()
        with pytest.raises(HubAway), anyio.fail_after(10):
            await hub.open()
        crashable_redis.start()
        after = await hub.open()
    assert not after.marks
    assert after.epoch != before


async def test_a_full_redis_is_away_and_says_so(crashable_redis: RedisServer) -> None:
    async with redis_hub(crashable_redis.url, "tests", wait_seconds=1) as hub:
        epoch = (await hub.open()).epoch
        with client(crashable_redis.url) as asked:
            asked.config_set("maxmemory", "1")
        body = secrets.token_bytes(8_000)
        with pytest.raises(HubAway, match="maxmemory"):
            await hub.push(epoch, message(A, 0, 3, Slot(b"ox", 0, 3, body)))


async def test_an_address_that_cannot_be_one_is_away_without_its_password() -> None:
    with pytest.raises(HubAway) as caught:
        async with redis_hub("http://ada:secret@nowhere", "tests", wait_seconds=1):
            pass
    assert "secret" not in str(caught.value)


async def test_the_rules_for_a_redis_user_allow_what_the_hub_does(
    crashable_redis: RedisServer,
) -> None:
    from tmws_mcp.federation.redis_hub import acl_rules  # noqa: PLC0415 - beside its test

    with client(crashable_redis.url) as asked:
        for rule in acl_rules("tests", "ada"):
            asked.execute_command(*rule.replace(">PASSWORD", ">word").split())
    url = crashable_redis.url.replace("redis://", "redis://ada:word@")
    async with redis_hub(url, "tests", wait_seconds=1) as hub:
        await push(hub, A, 0, 3, Slot(b"ox", 0, 3, b"body"), Slot(b"xoy", 1, 2, b"-"))
        assert set(await held(hub, A)) == {b"ox", b"xoy"}
        assert (await hub.read(START)).entries
        await hub.wait(START, 0.01)
        await hub.tell(A, {})
        await hub.told()
        assert list(await hub.trail(A)) == [b"t" * 8]
        await hub.figures()
    async with redis_hub(url, "others", wait_seconds=1) as hub:
        with pytest.raises(HubAway, match=r"(?i)permission"):
            await hub.open()
