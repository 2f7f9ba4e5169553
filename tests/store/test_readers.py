"""How many connections read: as many as the work needs, between two limits."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.clock import Clock
from tmws_mcp.errors import StoreError
from tmws_mcp.store import namespaces
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.readers import FIT_SECONDS, READERS_MIN, Readers

pytestmark = pytest.mark.anyio

MOST = 4
CALLS = 12


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[Database]:
    made = Database(tmp_path / "tmws.db")
    made.readers = Readers(made.readers._connect, most=MOST, clock=clock)
    async with made:
        yield made


async def work(store: Database, clock: Clock, *, at_once: int) -> None:
    """Read at once, each for ten seconds of the clock."""

    def read(db: Connection) -> int:
        clock.now += 10.0
        return len(namespaces.names(db))

    async with anyio.create_task_group() as tasks:
        for _ in range(at_once):
            tasks.start_soon(store.read, read)


async def test_there_are_more_readers_while_calls_wait_up_to_a_limit(
    store: Database, clock: Clock
) -> None:
    await work(store, clock, at_once=CALLS)
    assert store.readers.number > READERS_MIN

    for _ in range(MOST):
        await work(store, clock, at_once=CALLS)
    assert store.readers.number == MOST


async def test_there_are_fewer_again_when_they_are_idle_and_all_still_read(
    store: Database, clock: Clock
) -> None:
    for _ in range(MOST):
        await work(store, clock, at_once=CALLS)

    for _ in range(MOST):
        clock.now += 2 * FIT_SECONDS
        await work(store, clock, at_once=1)

    assert store.readers.number == READERS_MIN
    assert len(store.readers._idle) <= READERS_MIN
    await work(store, clock, at_once=CALLS)


async def test_short_work_adds_no_reader(store: Database, clock: Clock) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(CALLS):
            tasks.start_soon(store.read, namespaces.names)
    clock.now += FIT_SECONDS
    await work(store, clock, at_once=1)

    assert store.readers.number == READERS_MIN


async def test_a_store_that_is_closed_while_many_wait_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    begun = anyio.Event()

    async def read(store: Database) -> None:
        begun.set()
        try:
            await store.read(namespaces.names)
        except StoreError as error:
            said.append(str(error))

    async with anyio.create_task_group() as tasks, Database(tmp_path / "tmws.db") as store:
        for _ in range(CALLS):
            tasks.start_soon(read, store)
        await begun.wait()

    assert len(said) < CALLS
    assert set(said) <= {"The store is closed."}
