"""The work that no call waits for is done by one process, and survives failures."""

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from tmws_mcp.engine.maintenance import LEASE, Retention, maintain, one_round
from tmws_mcp.learning import sessions
from tmws_mcp.memory import lifecycle
from tmws_mcp.memory.remember import remember
from tmws_mcp.model import ForgetRequest, ObserveRequest, Scope, StoreRequest
from tmws_mcp.store import lease
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection

pytestmark = pytest.mark.anyio

SCOPE = Scope(namespace="here", source="argument")
DAY = 86_400.0


async def forgotten_long_ago(store: Database) -> None:
    drop = StoreRequest(content="to be forgotten")
    gone = await store.write(remember, drop, SCOPE, embedder=None, now=0.0)
    forget = ForgetRequest(ids=(gone.id,))
    await store.write(lifecycle.forget, forget, SCOPE, embedder=None, now=1.0)


async def test_a_round_drops_observations_over_their_days(tmp_path: Path) -> None:
    async with Database(tmp_path / "tmws.db") as store:
        for number in range(3):
            step = ObserveRequest(task="t", tool_used="a", session_id=f"s{number}")
            await store.write(sessions.observe, step, SCOPE, connection="c", now=number * 30 * DAY)

        keep = Retention(steps_days=45, sessions_days=75)
        await one_round(store, now=80 * DAY, retention=keep)

        assert await store.read(lambda db: db.rows("SELECT count(*) FROM step")) == [(1,)]
        assert await store.read(lambda db: db.rows("SELECT name FROM session ORDER BY 1")) == [
            ("s1",), ("s2",),
        ]  # fmt: skip
        assert await store.read(lambda db: db.rows("SELECT n FROM outcome WHERE kind = 'all'")) == [
            (3,)
        ]


def memories(db: Connection) -> int:
    row = db.row("SELECT count(*) FROM memory")
    assert row is not None
    return int(row[0])


async def test_a_round_closes_and_erases(tmp_path: Path) -> None:
    async with Database(tmp_path / "tmws.db") as store:
        keep = StoreRequest(content="kept")
        await store.write(remember, keep, SCOPE, embedder=None, now=0.0)
        await forgotten_long_ago(store)
        step = ObserveRequest(task="t", tool_used="a")
        await store.write(sessions.observe, step, SCOPE, connection="c", now=0.0)

        await one_round(store, now=90 * DAY)

        assert await store.read(memories) == 1
        assert await store.write(sessions.close_idle, 90 * DAY) == 0


async def test_only_the_holder_of_the_lease_works(tmp_path: Path) -> None:
    async with Database(tmp_path / "tmws.db") as store:
        await forgotten_long_ago(store)
        await store.write(lease.acquire, LEASE, "another process", 90 * DAY)

        with anyio.move_on_after(0.05):
            await maintain(store, clock=lambda: 90 * DAY + 1, round_seconds=0.001)
        assert await store.read(memories) == 1

        with anyio.fail_after(10), anyio.CancelScope() as until_done:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_maintain_with, store, lambda: 90 * DAY + 100)
                while await store.read(memories):
                    await anyio.sleep(0.005)
                until_done.cancel()


async def test_a_failure_does_not_end_maintenance(tmp_path: Path) -> None:
    rounds: list[float] = []

    def clock() -> float:
        rounds.append(0.0)
        return 0.0

    store = Database(tmp_path / "closed.db")  # never opened: each write fails
    with anyio.fail_after(10), anyio.CancelScope() as enough:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_maintain_with, store, clock)
            while len(rounds) < 3:
                await anyio.sleep(0.005)
            enough.cancel()


async def test_a_bug_in_maintenance_does_not_end_the_engine(tmp_path: Path) -> None:
    attempts: list[None] = []

    def broken() -> float:
        attempts.append(None)
        raise ZeroDivisionError

    async with Database(tmp_path / "tmws.db") as store:
        with anyio.fail_after(10), anyio.CancelScope() as enough:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_maintain_with, store, broken)
                while len(attempts) < 2:
                    await anyio.sleep(0.005)
                enough.cancel()


async def _maintain_with(store: Database, clock: Callable[[], float]) -> None:
    await maintain(store, clock=clock, round_seconds=0.001)
