"""Forgetting, bringing back, erasing, and vectors that are filled in later."""

import numpy as np
import pytest

from tests.memory.notebook import Notebook
from tmws_mcp.embedding.embedder import Embedder
from tmws_mcp.errors import InvalidInput
from tmws_mcp.memory.lifecycle import (
    DAY_SECONDS,
    UNDO_DAYS,
    purge,
)

pytestmark = pytest.mark.anyio

PERIOD = UNDO_DAYS * DAY_SECONDS


async def test_what_is_forgotten_is_found_no_more_until_it_is_brought_back(
    notes: Notebook,
) -> None:
    stored = await notes.remember("The staging port is 8080.")

    gone = await notes.forget(stored.id)

    assert gone.forgotten == (stored.id,)
    assert gone.undo_until is not None
    assert await notes.found("staging port") == []
    assert await notes.found() == []
    assert (await notes.recall(ids=[stored.id])).missing == (stored.id,)

    back = await notes.forget(undo=[stored.id])

    assert back.restored == (stored.id,)
    assert await notes.found("staging port") == ["The staging port is 8080."]
    [memory] = (await notes.recall("staging port")).memories
    assert set(memory.matched) == {"words", "kindred", "meaning"}


async def test_unknown_ids_and_those_of_other_namespaces_are_reported(notes: Notebook) -> None:
    other = await notes.within("other").remember("secret")
    await notes.remember("mine")

    reply = await notes.forget("mnosuchmemo", other.id)

    assert reply.missing == ("mnosuchmemo", other.id)
    assert await notes.within("other").found() == ["secret"]
    assert (await notes.forget(undo=["mnosuchmemo"])).missing == ("mnosuchmemo",)


async def test_an_unknown_namespace_names_those_that_exist(notes: Notebook) -> None:
    stored = await notes.remember("mine")

    reply = await notes.within("hom").forget(stored.id)

    assert reply.missing == (stored.id,)
    assert reply.scope.known == ("home",)


async def test_a_query_shows_what_it_would_forget_and_forgets_when_confirmed(
    notes: Notebook,
) -> None:
    port = await notes.remember("The staging port is 8080.")
    await notes.remember("The birthday is in May.")
    await notes.within("user").remember("The staging port of the user is 1.")
    notes.scope = notes.scope.model_copy(update={"also": ("user",)})

    asked = await notes.forget(query="staging port")

    assert [memory.id for memory in asked.would_forget] == [port.id]
    assert len(await notes.found()) == 3

    done = await notes.forget(query="staging port", confirm=True)

    assert done.forgotten == (port.id,)
    assert set(await notes.found()) == {
        "The birthday is in May.",
        "The staging port of the user is 1.",
    }


async def test_exactly_one_way_of_forgetting_is_taken(notes: Notebook) -> None:
    for arguments in ({}, {"query": "x", "undo": ["m1"]}):
        with pytest.raises(InvalidInput, match="one of ids, query and undo"):
            await notes.forget(**arguments)


async def test_a_memory_takes_its_older_versions_along_and_back(notes: Notebook) -> None:
    first = await notes.remember("The port is 1.")
    second = await notes.remember("The port is 2.", supersedes=first.id)
    third = await notes.remember("The port is 3.", supersedes=second.id)

    gone = await notes.forget(third.id)

    assert set(gone.forgotten) == {first.id, second.id, third.id}
    assert await notes.found("port") == []
    await notes.forget(undo=[third.id])
    assert await notes.found("port") == ["The port is 3."]
    assert (await notes.recall(ids=[first.id])).memories[0].superseded_by == second.id


async def test_an_older_version_brought_back_alone_is_current_again(notes: Notebook) -> None:
    first = await notes.remember("The port is 1.")
    second = await notes.remember("The port is 2.", supersedes=first.id)
    await notes.forget(second.id)

    await notes.forget(undo=[first.id])

    assert await notes.found("port") == ["The port is 1."]


async def test_bringing_back_what_was_stored_again_is_refused_and_names_it(
    notes: Notebook,
) -> None:
    first = await notes.remember("The port is 1.")
    await notes.forget(first.id)
    again = await notes.remember("The port is 1.")

    with pytest.raises(InvalidInput, match=again.id):
        await notes.forget(undo=[first.id])


async def test_after_the_period_nothing_can_be_brought_back(notes: Notebook) -> None:
    stored = await notes.remember("The port is 1.")
    await notes.forget(stored.id)
    notes.now += PERIOD + 1

    assert (await notes.forget(undo=[stored.id])).missing == (stored.id,)


async def test_erasing_removes_row_words_and_vector_and_closes_the_chain(
    notes: Notebook,
) -> None:
    first = await notes.remember("The port is 1.", tags=["net"])
    second = await notes.remember("The port is 2.", supersedes=first.id)
    third = await notes.remember("The port is 3.", supersedes=second.id, thread="a")
    lonely = await notes.remember("gone with its thread", thread="b")
    await notes.forget(second.id, lonely.id)
    await notes.forget(undo=[first.id])
    assert await notes.store.write(purge, notes.now + PERIOD - 10) == 0

    assert await notes.store.write(purge, notes.now + PERIOD + 1) == 2

    assert (await notes.recall(ids=[third.id])).memories[0].content == "The port is 3."
    assert await notes.rows("SELECT name FROM thread") == [("a",)]
    assert await notes.rows("SELECT count(*) FROM memory") == [(2,)]
    assert await notes.rows("SELECT count(*) FROM memory_vectors_1") == [(2,)]
    assert await notes.rows("SELECT count(*) FROM memory_search") == [(2,)]
    assert await notes.rows("SELECT memories, tail FROM search_index") == [(2, 2)]


async def test_a_key_is_never_used_again(notes: Notebook) -> None:
    stored = await notes.remember("last one")
    (before,) = await notes.rows("SELECT max(id) FROM memory")
    await notes.forget(stored.id)
    await notes.store.write(purge, notes.now + PERIOD + 1)

    await notes.remember("next one")

    assert await notes.rows("SELECT id FROM memory") == [(before[0] + 1,)]


async def test_no_table_holds_a_word_of_what_was_erased(notes: Notebook) -> None:
    stored = await notes.remember("The passphrase is xyzzyplugh.", thread="t", tags=["xyzzytag"])
    await notes.remember("Nothing to see here.", thread="t")
    await notes.forget(stored.id)

    await notes.store.write(purge, notes.now + PERIOD + 1)

    assert await notes.rows("SELECT count(*) FROM memory_search") == [(1,)]
    assert await notes.rows("SELECT DISTINCT memory FROM fingerprint") == [(2,)]
    assert await notes.rows("SELECT count(*) FROM memory_tag") == [(0,)]


async def test_memories_stored_without_vectors_get_them_later(notes: Notebook) -> None:
    for i in range(5):
        await notes.without_vectors().remember(f"fact {i}", thread="t")
    assert await notes.any_vector_missing()

    slices = [await notes.fill(3) for _ in range(3)]

    assert slices == [3, 2, 0]
    assert not await notes.any_vector_missing()
    assert await notes.rows("SELECT count(*) FROM memory_vectors_1") == [(5,)]


class Halved:
    """The embedder in half of its dimensions, as another model would be."""

    id = "halved-1"
    dimensions = 128
    prompt = True

    def __init__(self, whole: Embedder) -> None:
        self._whole = whole

    def encode(self, texts):
        rows = self._whole.encode(texts)[:, :128]
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


async def test_another_embedder_takes_over_in_slices_while_recall_goes_on(
    notes: Notebook, embedder: Embedder
) -> None:
    for i in range(4):
        await notes.remember(f"The deploy of service {i} fails when the disk is full.")
    other = Halved(embedder)
    notes.embedder = other

    early = await notes.recall("The deploy fails")
    assert early.tier == "lexical"
    assert len(early.memories) == 4
    while await notes.fill(3):
        assert len(await notes.found("The deploy fails")) == 4

    assert (await notes.recall("publishing breaks without storage")).tier == "hybrid"
    assert await notes.rows("SELECT embedder, dimensions FROM vector_space") == [("halved-1", 128)]
    assert await notes.rows("SELECT DISTINCT embedder FROM memory") == [("halved-1",)]
    assert not await notes.any_vector_missing()
