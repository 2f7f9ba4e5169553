"""What one instance learns, the others know."""

import sqlite3
from contextlib import AsyncExitStack, closing
from pathlib import Path

import anyio
import pytest

from tests.federation.team import NAMESPACE, instance, observe, support, until
from tests.redis_server import RedisServer, client

pytestmark = pytest.mark.anyio
TASK = "process the monthly data"


async def test_what_one_instance_learns_the_other_recommends(
    tmp_path: Path, redis_url: str
) -> None:
    async with instance(tmp_path / "a", redis_url) as a, instance(tmp_path / "b", redis_url) as b:
        await observe(a, "run_job", task=TASK, times=4)

        async def knows() -> bool:
            reply = await b.get_recommendations({"task": TASK})
            return any(one.action == "run_job" for one in reply.recommendations)

        await until(knows)

        async def counted() -> bool:
            return await support(b, "run_job") == (4, 1)

        await until(counted)


async def test_a_store_that_begins_to_share_tells_what_it_counted_before(
    tmp_path: Path, redis_url: str
) -> None:
    async with instance(tmp_path / "a", "", redis_url="") as alone:
        await observe(alone, "run_job", task=TASK, times=4)
        assert _indexes_of_sharing(tmp_path / "a") == 0  # each observation would move them
    async with instance(tmp_path / "a", redis_url), instance(tmp_path / "b", redis_url) as b:

        async def counted() -> bool:
            return await support(b, "run_job") == (4, 1)

        await until(counted)
    assert _indexes_of_sharing(tmp_path / "a") == 2


def _indexes_of_sharing(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "tmws.db")) as db:
        names = "('outcome_seq', 'context_seq')"
        (found,) = db.execute(f"SELECT count(*) FROM sqlite_schema WHERE name IN {names}")
    return int(found[0])


async def test_who_watches_an_instance_hears_what_came_from_others(
    tmp_path: Path, redis_url: str
) -> None:
    async with instance(tmp_path / "a", redis_url) as a, instance(tmp_path / "b", redis_url) as b:
        watcher = await b.feed.watch([NAMESPACE], ["replicated"])
        await observe(a, "run_job", task=TASK)

        with anyio.fail_after(20):
            first, *_ = await watcher.more()

    assert (first.kind, first.namespace) == ("replicated", NAMESPACE)
    assert int(str(first.data["slots"])) > 0


async def test_counts_of_several_instances_add_up(tmp_path: Path, redis_url: str) -> None:
    async with instance(tmp_path / "a", redis_url) as a, instance(tmp_path / "b", redis_url) as b:
        await observe(a, "run_job", task=TASK, times=4)
        await observe(b, "run_job", task=TASK, times=3)

        async def same() -> bool:
            return (await support(a, "run_job"), await support(b, "run_job")) == (
                (7, 2), (7, 2),
            )  # fmt: skip

        await until(same)


async def test_a_repair_is_shared_with_its_masked_error(tmp_path: Path, redis_url: str) -> None:
    async with instance(tmp_path / "a", redis_url) as a, instance(tmp_path / "b", redis_url) as b:
        for _ in range(3):
            await observe(a, "read", success=False, error="no such file: /home/ann/x")
            await observe(a, "list")

        async def knows() -> bool:
            found = await b.learned({"kind": "error_recovery"})
            return any(one.definition["repair"] == "list" for one in found)

        await until(knows)


async def test_a_task_like_one_that_only_another_instance_met_finds_what_it_did(
    tmp_path: Path, redis_url: str
) -> None:
    async with instance(tmp_path / "a", redis_url) as a, instance(tmp_path / "b", redis_url) as b:
        for number in range(4):
            for step, tool in enumerate(("fetch_report", "clean_table", "send_mail")):
                told = {"tool_used": tool, "session_id": f"s{number}", "step": step}
                await a.observe_interaction(
                    {**told, "task": f"prepare the quarterly report {number}"}
                )
            await a.observe_interaction({"session_id": f"s{number}", "outcome": "success"})

        async def knows() -> bool:
            asked = {"task": "prepare a quarterly report for Berlin", "want": "workflow"}
            reply = await b.get_recommendations(asked)
            return any(
                one.action == ("fetch_report", "clean_table", "send_mail")
                for one in reply.recommendations
            )

        await until(knows)
        said = [one.summary for one in await b.learned()]
    assert not any("quarterly" in line for line in said)


async def test_what_is_forgotten_on_one_is_forgotten_on_all(tmp_path: Path, redis_url: str) -> None:
    async with instance(tmp_path / "a", redis_url) as a, instance(tmp_path / "b", redis_url) as b:
        await observe(a, "run_job", task=TASK, times=4)

        async def known() -> bool:
            return (await support(b, "run_job"))[0] == 4

        await until(known)
        (pattern,) = await a.learned({"kind": "tool_usage"})
        done = await b.federation.forget(pattern=pattern.pattern_id)
        assert (done.done, done.of) == (2, 2)
        assert await a.learned({"kind": "tool_usage"}) == ()
        assert await b.learned({"kind": "tool_usage"}) == ()
        await observe(a, "run_job", task=TASK, times=3)

        async def anew() -> bool:
            return (await support(b, "run_job"))[0] == 3

        await until(anew)


async def test_an_instance_is_forgotten_with_all_that_it_counted(
    tmp_path: Path, redis_url: str
) -> None:
    async with instance(tmp_path / "a", redis_url) as a, instance(tmp_path / "b", redis_url) as b:
        await observe(a, "run_job", task=TASK, times=4)
        await observe(b, "run_job", task=TASK, times=1)

        async def known() -> bool:
            return (await support(b, "run_job"))[0] == 5

        await until(known)
        actor = (await a.federation.report()).actor
        done = await b.federation.forget(actor=actor)
        assert (done.done, done.of) == (2, 2)
        assert await support(b, "run_job") == (1, 1)
        assert await support(a, "run_job") == (1, 1)


async def test_who_leaves_takes_back_what_it_shared_and_keeps_it(
    tmp_path: Path, redis_url: str
) -> None:
    async with instance(tmp_path / "b", redis_url) as b:
        async with instance(tmp_path / "a", redis_url) as a:
            await observe(a, "run_job", task=TASK, times=4)

            async def known() -> bool:
                return (await support(b, "run_job"))[0] == 4

            await until(known)
            await a.federation.leave()
        async with instance(tmp_path / "a", "", redis_url="") as alone:
            assert (await support(alone, "run_job"))[0] == 4

        async def gone() -> bool:
            return (await support(b, "run_job"))[0] == 0

        await until(gone)


async def test_a_wiped_redis_loses_and_doubles_nothing(
    tmp_path: Path, crashable_redis: RedisServer
) -> None:
    url = crashable_redis.url
    async with instance(tmp_path / "a", url) as a, instance(tmp_path / "b", url) as b:
        await observe(a, "run_job", task=TASK, times=4)

        async def known() -> bool:
            return (await support(b, "run_job"))[0] == 4

        await until(known)
        crashable_redis.kill()
        await observe(b, "run_job", task=TASK, times=2)  # nobody waits for Redis
        crashable_redis.start()

        async def same() -> bool:
            return (await support(a, "run_job"), await support(b, "run_job")) == (
                (6, 2), (6, 2),
            )  # fmt: skip

        await until(same)


async def test_a_late_joiner_gets_everything(tmp_path: Path, redis_url: str) -> None:
    async with instance(tmp_path / "a", redis_url) as a:
        for n in range(30):
            await observe(a, f"tool_{n}", task=TASK, times=3)
        await a.federation.sync()
    async with instance(tmp_path / "c", redis_url) as c:

        async def known() -> bool:
            return len(await c.learned({"kind": "tool_usage"})) == 30

        await until(known)


async def test_several_processes_on_one_store_are_one_actor(tmp_path: Path, redis_url: str) -> None:
    async with instance(tmp_path / "a", redis_url) as first:
        async with instance(tmp_path / "a", redis_url) as second:
            await observe(first, "run_job", task=TASK, times=2)
            await observe(second, "run_job", task=TASK, times=2)
            await first.federation.sync()
            await second.federation.sync()
            reports = [await one.federation.report() for one in (first, second)]
        assert len({report.actor for report in reports}) == 1
        assert [len(report.namespaces[0].peers) for report in reports] == [1, 1]


async def test_a_copied_store_takes_an_actor_of_its_own(tmp_path: Path, redis_url: str) -> None:
    async with instance(tmp_path / "a", redis_url) as a:
        await observe(a, "run_job", task=TASK, times=4)
        await a.federation.sync()
        first = (await a.federation.report()).actor
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "tmws.db").write_bytes((tmp_path / "a" / "tmws.db").read_bytes())
    async with instance(tmp_path / "a", redis_url) as a, instance(tmp_path / "b", redis_url) as b:
        await observe(a, "run_job", task=TASK, times=1)
        await observe(b, "run_job", task=TASK, times=2)

        async def same() -> bool:
            return (await support(a, "run_job"), await support(b, "run_job")) == (
                (7, 2), (7, 2),
            )  # fmt: skip

        await until(same)
        assert (await a.federation.report()).actor == first
        assert (await b.federation.report()).actor != first


async def test_without_redis_an_instance_works_alone_and_says_so(tmp_path: Path) -> None:
    async with instance(tmp_path / "a", "") as a:
        await observe(a, "run_job", task=TASK, times=4)
        assert (await a.status()).federation == "off: this instance works alone"


async def test_a_redis_that_is_away_holds_nobody_up(tmp_path: Path) -> None:
    async with instance(tmp_path / "a", "redis://127.0.0.1:1/0") as a:
        with anyio.fail_after(10):
            await observe(a, "run_job", task=TASK, times=4)

            async def says_so() -> bool:
                return "away" in (await a.status()).federation

            await until(says_so)


async def test_a_namespace_that_is_not_shared_stays_at_home(tmp_path: Path, redis_url: str) -> None:
    async with instance(tmp_path / "a", redis_url) as a:
        await observe(a, "secret_tool", task=TASK, times=4, namespace="private")
        await observe(a, "run_job", task=TASK, times=4)
        await a.federation.sync()
    with client(redis_url) as looked:
        everything = b"".join(looked.dump(key) or b"" for key in looked.keys("*"))
        assert looked.exists(f"tm:{{{NAMESPACE}}}:vv")
    assert b"secret_tool" not in everything


async def test_groups_know_what_each_of_them_learns_by_their_bridges(
    tmp_path: Path, redis_url: str
) -> None:
    async with AsyncExitStack() as team:
        a, bridge_a, b, bridge_b = [
            await team.enter_async_context(instance(tmp_path / name, redis_url, **more))
            for name, more in (
                ("a", {"federation_group": "one"}),
                ("ba", {"federation_group": "one", "federation_bridge": "1"}),
                ("b", {"federation_group": "two"}),
                ("bb", {"federation_group": "two", "federation_bridge": "1"}),
            )
        ]
        await observe(a, "run_job", task=TASK, times=4)
        await observe(bridge_a, "run_job", task=TASK, times=1)
        await observe(b, "run_job", task=TASK, times=2)
        team_of_all = (a, bridge_a, b, bridge_b)

        async def known() -> bool:
            return [(await support(one, "run_job"))[0] for one in team_of_all] == [7] * 4

        await until(known)
