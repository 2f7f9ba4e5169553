"""A thing is opened once, and a failure is not kept."""

import anyio
import pytest

from tmws_mcp.engine.once import Once

pytestmark = pytest.mark.anyio


async def test_many_who_ask_at_once_get_the_same() -> None:
    made: list[object] = []

    async def make() -> object:
        await anyio.lowlevel.checkpoint()
        made.append(object())
        return made[-1]

    thing = Once(make)
    assert thing.opened is None
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(thing)

    assert made == [await thing()]
    assert thing.opened is made[0]


async def test_a_failure_is_tried_again() -> None:
    attempts = iter([RuntimeError("not yet"), "there"])

    async def make() -> str:
        attempt = next(attempts)
        if isinstance(attempt, Exception):
            raise attempt
        return attempt

    thing = Once(make)
    with pytest.raises(RuntimeError):
        await thing()

    assert await thing() == "there"


async def test_nothing_can_be_opened_too() -> None:
    calls: list[None] = []

    async def make() -> None:
        calls.append(None)

    thing = Once(make)
    await thing()
    await thing()

    assert len(calls) == 1
