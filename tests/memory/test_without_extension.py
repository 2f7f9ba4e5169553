"""A process that cannot load sqlite-vec, on a store that another one filled with vectors."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.memory.notebook import HOME, Notebook
from tmws_mcp.memory.lifecycle import (
    DAY_SECONDS,
    UNDO_DAYS,
    forget,
    purge,
)
from tmws_mcp.memory.recall import recall
from tmws_mcp.memory.remember import remember
from tmws_mcp.memory.search import filling
from tmws_mcp.model import ForgetRequest, RecallRequest, StoreRequest
from tmws_mcp.store import driver
from tmws_mcp.store.driver import Connection

pytestmark = pytest.mark.anyio

LATER = 1_700_000_500.0


@pytest.fixture
def bare(notes: Notebook) -> Iterator[Connection]:
    db = driver.connect(notes.store.path)  # nothing loaded
    driver.for_writing(db, "normal")
    yield db
    db.close()


async def test_everything_works_by_words_alone(notes: Notebook, bare: Connection) -> None:
    stored = [await notes.remember(f"The deploy {i} failed.", thread="t") for i in range(3)]
    tools: dict[str, Any] = {"embedder": notes.embedder, "now": LATER}

    remember(bare, StoreRequest(content="The rollback worked."), HOME, **tools)
    forget(bare, ForgetRequest(ids=(stored[0].id,)), HOME, **tools)
    reply = recall(bare, RecallRequest(query="deploy rollback"), HOME, **tools)

    assert reply.tier == "lexical"
    assert reply.note is not None
    assert {memory.content for memory in reply.memories} == {
        "The deploy 1 failed.",
        "The deploy 2 failed.",
        "The rollback worked.",
    }
    assert notes.embedder is not None
    assert filling.any_left(bare, notes.embedder.id)


async def test_the_other_process_fills_in_what_is_missing_and_ignores_what_is_stale(
    notes: Notebook, bare: Connection
) -> None:
    stored = [await notes.remember(f"The deploy {i} failed.", thread="t") for i in range(2)]
    tools: dict[str, Any] = {"embedder": notes.embedder, "now": LATER}
    forget(bare, ForgetRequest(ids=(stored[0].id,)), HOME, **tools)
    replacing = StoreRequest(content="The rollback worked.", supersedes=stored[1].id)
    newer = remember(bare, replacing, HOME, **tools)
    assert notes.embedder is not None

    early = await notes.recall("The deploy 0 failed.")
    assert [memory.id for memory in early.memories] == []
    while await notes.fill():
        pass

    assert not await notes.any_vector_missing()
    assert await notes.rows("SELECT count(*) FROM memory_vectors_1") == [(1,)]
    assert [memory.id for memory in (await notes.recall("rollback")).memories] == [newer.id]


async def test_what_still_has_a_vector_is_erased_where_vectors_can_be_deleted(
    notes: Notebook, bare: Connection
) -> None:
    stored = await notes.remember("The passphrase.")
    forget(bare, ForgetRequest(ids=(stored.id,)), HOME, embedder=None, now=LATER)
    after = LATER + UNDO_DAYS * DAY_SECONDS + 1

    assert purge(bare, after) == 0
    assert await notes.store.write(purge, after) == 1

    assert await notes.rows("SELECT count(*) FROM memory_vectors_1") == [(0,)]
