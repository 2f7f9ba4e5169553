"""Missing vectors are made slice by slice, by one process, and from where another one stopped."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import anyio
import pytest

from tests.embedding.endpoint import Answer, serving
from tmws_mcp.engine.encoder import Encoder
from tmws_mcp.engine.filling import LEASE, SLICE_ROWS_MIN, Filler
from tmws_mcp.memory.remember import remember
from tmws_mcp.model import Scope, StoreRequest
from tmws_mcp.settings import Settings
from tmws_mcp.store import embedders, lease
from tmws_mcp.store.database import Database

pytestmark = pytest.mark.anyio

SCOPE = Scope(namespace="here", source="argument")
MEMORIES = 3 * SLICE_ROWS_MIN
NOW = 1_000.0


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Database]:
    """Hold memories that were stored without vectors."""
    async with Database(settings.db) as opened:
        for i in range(MEMORIES):
            request = StoreRequest(content=f"deploy {i} failed because of the disk")
            await opened.write(remember, request, SCOPE, embedder=None, now=0.0)
        yield opened


def filler(
    store: Database, settings: Settings, name: str = "static", *, now: float = NOW
) -> Filler:
    named = settings.model_copy(update={"embedder": name})
    encoder = Encoder(named, clock=lambda: now)
    return Filler(store, encoder, lambda: now, change_seconds=0.0, rest_share=0.0, started_at=now)


async def made(store: Database, one: Filler) -> int:
    embedder = await one.encoder.load()
    assert embedder is not None
    return (await store.read(embedders.progress, embedder.id))[0]


async def test_all_that_is_missing_is_made_in_slices(store: Database, settings: Settings) -> None:
    one = filler(store, settings)

    await one.attempt()

    assert await made(store, one) == MEMORIES
    assert one.encoder.missing == 0


async def test_only_the_holder_of_the_lease_works(store: Database, settings: Settings) -> None:
    await store.write(lease.acquire, LEASE, "another process", NOW)

    await filler(store, settings).attempt()
    assert await made(store, filler(store, settings)) == 0

    later = filler(store, settings, now=NOW + 100)
    await later.attempt()
    assert await made(store, later) == MEMORIES


async def test_of_two_embedders_the_one_that_was_started_last_makes_the_vectors(
    store: Database, settings: Settings
) -> None:
    with serving() as endpoint:
        early, late = filler(store, settings), filler(store, settings, endpoint.name, now=NOW + 1)
        await early.attempt()
        await late.attempt()
        await early.attempt()

        assert await made(store, late) == MEMORIES
        assert await made(store, early) == 0
        assert "Set the same TMWS_EMBEDDER for both" in early.encoder.problem
        assert not late.encoder.problem


async def test_a_young_process_leaves_another_embedders_vectors_alone(
    store: Database, settings: Settings
) -> None:
    before = filler(store, settings)
    await before.attempt()
    with serving() as endpoint:
        young = filler(store, settings, endpoint.name)
        young.change_seconds = 3.0

        assert await young.attempt() == 3.0
        assert await made(store, before) == MEMORIES


async def test_a_server_that_dies_in_mid_run_loses_no_slice_that_is_stored(
    store: Database, settings: Settings
) -> None:
    with serving() as endpoint:
        one = filler(store, settings, endpoint.name)
        await one.encoder.load()
        probe_and_first_slice = 2
        endpoint.before_answer = lambda: (
            setattr(endpoint, "always", Answer(401))
            if len(endpoint.asked) >= probe_and_first_slice
            else None
        )
        with anyio.fail_after(30):
            with pytest.raises(Exception, match="refuses the key"):
                await one.attempt()
        half = await made(store, one)
        assert 0 < half < MEMORIES

        endpoint.before_answer, endpoint.always = lambda: None, None
        await one.attempt()
        assert await made(store, one) == MEMORIES


PROGRAM = """
import anyio, sys
from pathlib import Path
from tmws_mcp.engine.encoder import Encoder
from tmws_mcp.engine.filling import Filler
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database

async def main():
    settings = Settings.load({"TMWS_HOME": sys.argv[1], "TMWS_EMBEDDER": sys.argv[2]})
    async with Database(settings.db) as store:
        encoder = Encoder(settings, clock=lambda: 1000.0)
        one = Filler(store, encoder, lambda: 1000.0, change_seconds=0.0, rest_share=0.0)
        await one.attempt()

anyio.run(main)
"""


async def test_another_process_goes_on_where_one_was_killed(
    store: Database, settings: Settings
) -> None:
    with serving() as endpoint:
        probe_and_first_slice = 2
        endpoint.before_answer = lambda: (
            endpoint.over.wait(20) if len(endpoint.asked) > probe_and_first_slice else None
        )
        arguments = [sys.executable, "-c", PROGRAM, str(settings.home), endpoint.name]
        with subprocess.Popen(arguments) as process:  # noqa: ASYNC220 - it is killed below
            with anyio.fail_after(60):
                while len(endpoint.asked) <= probe_and_first_slice:
                    await anyio.sleep(0.01)
            os.kill(process.pid, signal.SIGKILL)
        endpoint.over.set()
        endpoint.asked.clear()
        after = filler(store, settings, endpoint.name, now=NOW + 100)
        before = await made(store, after)

        await after.attempt()

        assert before == SLICE_ROWS_MIN
        assert await made(store, after) == MEMORIES
        texts = [text for batch in endpoint.asked[1:] for text in batch]
        assert len(texts) == MEMORIES - SLICE_ROWS_MIN
