"""What is forgotten everywhere as a whole: a task, a tool, and nothing that was counted since."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.federation.team import NAMESPACE, instance, observe, support, until
from tests.redis_server import client
from tmws_mcp.engine import Engine
from tmws_mcp.errors import InvalidInput
from tmws_mcp.federation.privacy import Place
from tmws_mcp.federation.replicator import Replicator
from tmws_mcp.federation.slots import OUTCOME
from tmws_mcp.federation.wire import VERSION, Entry
from tmws_mcp.store import actor as identities
from tmws_mcp.store import evidence
from tmws_mcp.store import slots as table
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Tally

pytestmark = pytest.mark.anyio
TASK, OTHER = "ship the zebra release", "water the plants"
RUNS = "SELECT steps FROM run"
WATERING = '[["hose",true],["build",true]]'
SLOTS = ("outcome", "context", "task_word", "run", "learned", "step")


@asynccontextmanager
async def pair(folder: Path, url: str) -> AsyncIterator[tuple[Engine, Engine]]:
    """Two instances that have each worked on both tasks, and know it of each other."""
    async with instance(folder / "a", url) as a, instance(folder / "b", url) as b:
        for one, name in ((a, "a"), (b, "b")):
            for number in range(3):
                for task, tools in ((TASK, ("build", "publish")), (OTHER, ("hose", "build"))):
                    session = f"{name}{number}{tools[0]}"
                    for tool in tools:
                        await observe(one, tool, task=task, session_id=session)
                    await one.observe_interaction({"session_id": session, "outcome": "success"})

        async def known() -> bool:
            return await support(a, "hose") == await support(b, "hose") == (6, 2)

        await until(known)
        for one in (a, b, a):
            await one.federation.sync()
        yield a, b


async def rows(engine: Engine, sql: str) -> list[tuple]:
    store = await engine._store()  # looks at what no tool shows
    return await store.read(lambda db: db.rows(sql))


async def about_tool(engine: Engine, name: str) -> list[tuple]:
    """All that names a tool, in whatever table, and in slots that are not redacted."""
    found = []
    for part in SLOTS:
        for row in await rows(engine, f"SELECT * FROM {part}"):
            found += [(part, row)] if f"'{name}'" in repr(row).replace('"', "'") else []
    held = await rows(
        engine, "SELECT key, body FROM slot WHERE body <> x'' AND substr(key, 1, 1) <> x'78'"
    )
    return found + [row for row in held if name.encode() in row[0] + row[1]]


async def test_a_tool_is_forgotten_on_every_instance_and_in_redis(
    tmp_path: Path, redis_url: str
) -> None:
    async with pair(tmp_path, redis_url) as (a, b):
        assert await about_tool(b, "build")

        done = await a.federation.forget(tool="build")

        assert (done.done, done.of) == (2, 2)
        assert "build" in done.subject
        for one in (a, b, a):
            await one.federation.sync()
        assert await about_tool(a, "build") == await about_tool(b, "build") == []
        assert await support(a, "hose") == await support(b, "hose") == (6, 2)
    with client(redis_url) as looked:
        held = {key: looked.hgetall(key) for key in looked.keys(f"tm:{{{NAMESPACE}}}:s:*")}
        bodies = [v for one in held.values() for k, v in one.items() if not k.startswith(b"x")]
        assert bodies
        assert not any(b"build" in body for body in bodies)


async def test_a_task_is_forgotten_with_its_text_on_every_instance(
    tmp_path: Path, redis_url: str
) -> None:
    async with pair(tmp_path, redis_url) as (a, b):
        assert TASK in {row[0] for row in await rows(b, "SELECT text FROM task")}

        done = await a.federation.forget(task=TASK)

        assert (done.done, done.of) == (2, 2)
        for one in (a, b, a):
            await one.federation.sync()
        for one in (a, b):
            assert {row[0] for row in await rows(one, "SELECT text FROM task")} == {OTHER}
            assert await support(one, "publish") == (0, 0)
            assert await support(one, "hose") == (6, 2)
        raw = (tmp_path / "b" / "tmws.db").read_bytes()
        assert b"water the plants" in raw + (tmp_path / "b" / "tmws.db-wal").read_bytes()


async def test_a_workflow_is_forgotten_with_its_runs_on_every_instance(
    tmp_path: Path, redis_url: str
) -> None:
    async with pair(tmp_path, redis_url) as (a, b):
        (workflow,) = [
            one
            for one in await a.learned({"kind": "task_sequence"})
            if one.definition["steps"] == ["build", "publish"]
        ]
        assert len(await rows(b, RUNS)) == 12

        done = await a.federation.forget(pattern=workflow.pattern_id)

        assert (done.done, done.of) == (2, 2)
        for one in (a, b, a, b):
            await one.federation.sync()
        for one in (a, b):
            assert {steps for (steps,) in await rows(one, RUNS)} == {WATERING}
            assert workflow.pattern_id not in {known.pattern_id for known in await one.learned({})}
            assert await support(one, "publish") == (6, 2)


async def test_a_workflow_that_is_done_again_is_known_again(tmp_path: Path, redis_url: str) -> None:
    async with pair(tmp_path, redis_url) as (a, b):
        (workflow,) = [
            one
            for one in await a.learned({"kind": "task_sequence"})
            if one.definition["steps"] == ["build", "publish"]
        ]
        await a.federation.forget(pattern=workflow.pattern_id)
        await b.federation.sync()
        for tool in ("build", "publish"):
            await observe(b, tool, task=TASK, session_id="again")
        await b.observe_interaction({"session_id": "again", "outcome": "success"})
        for one in (b, a, b):
            await one.federation.sync()
        for one in (a, b):
            told = [steps for (steps,) in await rows(one, RUNS) if steps != WATERING]
            assert len(told) == 1


async def test_what_an_instance_did_for_one_task_does_not_take_the_place_of_another(
    tmp_path: Path, redis_url: str
) -> None:
    async with pair(tmp_path, redis_url) as (a, b):
        for one in (a, b):
            found = await rows(
                one, "SELECT task, count(*), sum(session > 0) FROM run GROUP BY task"
            )
            assert sorted(row[1:] for row in found) == [(6, 3), (6, 3)]


async def test_what_is_counted_after_a_tool_was_forgotten_counts(
    tmp_path: Path, redis_url: str
) -> None:
    async with pair(tmp_path, redis_url) as (a, b):
        await a.federation.forget(tool="build")
        await observe(b, "build", task=OTHER, times=3)

        async def anew() -> bool:
            return await support(a, "build") == await support(b, "build") == (3, 1)

        await until(anew)


async def test_an_instance_that_was_away_takes_back_what_only_it_knew(
    tmp_path: Path, redis_url: str
) -> None:
    async with pair(tmp_path, redis_url):
        pass
    async with instance(tmp_path / "b", "") as away:
        await observe(away, "build", task="a task that nobody else has met", times=3)
    async with instance(tmp_path / "a", redis_url) as a:
        await a.federation.forget(tool="build")
        await observe(a, "build", task=OTHER, times=3)
        await a.federation.sync()
        async with instance(tmp_path / "b", redis_url) as b:

            async def agreed() -> bool:
                return await support(a, "build") == await support(b, "build") == (3, 1)

            await until(agreed)
            await b.federation.sync()
            await a.federation.sync()
            assert len(await a.learned({"tool": "build"})) == len(
                await b.learned({"tool": "build"})
            )


@pytest.mark.parametrize("what", [{}, {"task": "t", "tool": "x"}, {"tool": "a tool with blanks"}])
async def test_what_cannot_be_meant_is_refused(
    tmp_path: Path, redis_url: str, what: dict[str, str]
) -> None:
    async with instance(tmp_path / "a", redis_url) as a:
        with pytest.raises(InvalidInput):
            await a.federation.forget(**what)


async def test_what_is_counted_again_outlives_what_others_say_of_it(tmp_path: Path) -> None:
    async with instance(
        tmp_path / "a", "redis://127.0.0.1:1/0"
    ) as a:  # nobody but this test shares
        store = await a._store()
        (member,) = a.federation._members.values()
        one = member.replicator_for(None)
        counts, found = await store.write(_counted_again, one, member.evidence.seal)
    assert (counts, found) == (3, 2)


def _counted_again(db: Connection, one: Replicator, seal) -> tuple[int, int]:
    thing = ("tool", "", "build")
    key = seal.hidden(OUTCOME, Place(*thing))
    evidence.add_outcomes(db, one.ns, {thing: Tally(n=5, ok=5)}, 1.0)
    one.collect_all(db)
    (own,) = table.of_key(db, one.ns, key)
    told = Entry(VERSION, "f" * 16, 0, 5, b"t" * 8, [own[1]._replace(seq=5, gen=1)])
    tomb = own[1]._replace(key=b"x" + key, gen=1, seq=4, body=b"-")
    one.take_entries(db, [Entry(VERSION, "f" * 16, 0, 4, b"t" * 8, [tomb])], "")
    evidence.add_outcomes(db, one.ns, {thing: Tally(n=3, ok=3)}, 2.0)  # no slot is made of it yet
    one.take_entries(db, [told], "")
    one.collect_all(db)
    me = identities.identity(db)
    counted = db.row("SELECT n FROM outcome WHERE actor = ? AND kind = 'tool'", (me,))
    return (counted or (0,))[0], sum(bool(slot.body) for _, slot in table.of_key(db, one.ns, key))
