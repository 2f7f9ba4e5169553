"""A store whose disk is full while others go on sharing, and a hub that is full."""

from pathlib import Path

import pytest

from tests.federation.team import NAMESPACE, instance, observe, support, until
from tests.redis_server import RedisServer, client
from tmws_mcp.engine import Engine
from tmws_mcp.errors import StoreFull
from tmws_mcp.federation.looking import Recent, lags
from tmws_mcp.federation.trust import WEIGHT_MAX
from tmws_mcp.federation.wire import VERSION, Entry, Keyring, sealed
from tmws_mcp.model.federation import NamespaceFederation
from tmws_mcp.store.driver import Connection

pytestmark = pytest.mark.anyio
TASK = "process the monthly data"
A_LOT = 120
PAGES_MAX = 2**30
COUNTED = "SELECT count(*) FROM outcome WHERE kind = 'task_tool'"
KEYRING = Keyring("team", (b"k" * 32,))


async def limit_pages(engine: Engine, more: int) -> None:
    """Let the store's file grow by so many pages; SQLite fails as it does on a full disk."""

    def limited(db: Connection) -> None:
        (pages,) = db.row("PRAGMA page_count") or (0,)
        db.rows(f"PRAGMA max_page_count = {pages + more}")

    store = await engine._store()
    await store.write(limited)


async def shown(engine: Engine) -> NamespaceFederation:
    (found,) = (await engine.federation.report()).namespaces
    return found


async def test_a_full_disk_stops_sharing_says_so_and_loses_nothing(
    tmp_path: Path, redis_url: str
) -> None:
    async with instance(tmp_path / "a", redis_url) as a, instance(tmp_path / "b", redis_url) as b:
        await observe(b, "run_job", task=TASK, times=2)
        await limit_pages(b, 0)
        for number in range(A_LOT):
            await observe(a, f"tool_{number}", task=f"{TASK} of customer {number}")
        await observe(a, "run_job", task=TASK, times=3)

        async def says_so() -> bool:
            return "stopped: The disk of" in (await b.status()).federation

        await until(says_so)
        late = await shown(b)
        acknowledged = 2
        try:
            while acknowledged < A_LOT:  # until the last free page is taken
                await observe(b, "run_job", task=TASK)
                acknowledged += 1
        except StoreFull:
            pass
        assert max(peer.lag_seconds or 0.0 for peer in late.peers) > 0
        assert (await b.status()).store  # it goes on answering

        await limit_pages(b, PAGES_MAX)

        async def same() -> bool:
            store = await b._store()
            counted = await store.read(lambda db: db.row(COUNTED))
            both = (await support(a, "run_job"), await support(b, "run_job"))
            said = (await b.status()).federation
            return (
                counted == (A_LOT + 2,)
                and both == ((min(acknowledged, WEIGHT_MAX) + 3, 2), (acknowledged + 3, 2))
                and "in step" in said
            )

        await until(same)
        assert all(peer.lag_seconds == 0 for peer in (await shown(b)).peers)


async def test_a_full_redis_holds_sharing_up_and_nothing_else(
    tmp_path: Path, crashable_redis: RedisServer
) -> None:
    url = crashable_redis.url
    async with instance(tmp_path / "a", url) as a, instance(tmp_path / "b", url) as b:
        with client(url) as redis:
            redis.config_set("maxmemory", "1")
        await observe(a, "run_job", task=TASK, times=4)

        async def says_so() -> bool:
            return "away: " in (await a.status()).federation

        await until(says_so)
        assert "maxmemory" in (await a.status()).federation
        with client(url) as redis:
            redis.config_set("maxmemory", "0")

        async def known() -> bool:
            return await support(b, "run_job") == (4, 1)

        await until(known)


async def test_what_was_sent_taken_and_refused_is_shown(tmp_path: Path, redis_url: str) -> None:
    async with instance(tmp_path / "a", redis_url) as a, instance(tmp_path / "b", redis_url) as b:
        await observe(a, "run_job", task=TASK, times=4)
        with client(redis_url) as redis:
            redis.xadd(f"tm:{{{NAMESPACE}}}:log", {"p": b"rubbish", "m": b"unsigned"})

        async def seen() -> bool:
            told = await shown(b)
            return bool(told.taken and told.refused) and (await shown(a)).sent > 0

        await until(seen)
        assert all(peer.lag_seconds == 0 for peer in (await shown(b)).peers)


def entry(actor: str, start: int, end: int) -> tuple[bytes, bytes]:
    return sealed(Entry(VERSION, actor, start, end, b"t" * 8, []), KEYRING)


def test_a_lag_begins_with_the_first_change_that_is_not_known() -> None:
    one, other = "a" * 16, "b" * 16
    entries = [
        (90.0, *entry(one, 0, 4)), (91.0, b"rubbish", b""), (93.0, *entry(one, 4, 9)),
        (95.0, *entry(other, 0, 2)), (96.0, *entry(one, 9, 12)),
    ]  # fmt: skip
    recent = Recent(100.0, entries)
    assert lags({one: 4, other: 0}, recent, "88000-0", KEYRING) == {one: 7.0, other: 5.0}


def test_what_the_log_no_longer_holds_is_older_than_what_was_read() -> None:
    assert lags({"a" * 16: 4}, Recent(100.0, []), "88000-3", KEYRING) == {"a" * 16: 12.0}
    assert lags({"a" * 16: 4}, Recent(100.0, []), "0", KEYRING) == {"a" * 16: 0.0}
