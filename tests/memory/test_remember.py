"""What storing a memory does."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.memory.notebook import NOW, Notebook
from tmws_mcp.errors import InvalidInput
from tmws_mcp.memory.row import ALPHABET

pytestmark = pytest.mark.anyio


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=seconds)


async def test_an_id_is_short_and_has_no_letters_that_look_alike(notes: Notebook) -> None:
    reply = await notes.remember("The port is 8080.")

    assert reply.created
    assert len(reply.id) == 11
    assert reply.id[0] == "m"
    assert set(reply.id[1:]) <= set(ALPHABET)
    assert not set(ALPHABET) & set("ilo01")


async def test_the_same_text_is_stored_once_whatever_its_white_space_and_accents(
    notes: Notebook,
) -> None:
    first = await notes.remember("Caf\u00e9 at  noon")
    again = await notes.remember(" Cafe\u0301 at\nnoon ")

    assert (again.id, again.created, again.duplicate_of) == (first.id, False, first.id)
    assert await notes.found() == ["Caf\u00e9 at  noon"]


async def test_case_makes_another_text(notes: Notebook) -> None:
    await notes.remember("call Foo first")

    assert (await notes.remember("call foo first")).created


async def test_the_same_text_in_another_namespace_is_another_memory(notes: Notebook) -> None:
    await notes.remember("The port is 8080.")

    assert (await notes.within("other").remember("The port is 8080.")).created


async def test_a_duplicate_of_a_forgotten_memory_is_stored_anew(notes: Notebook) -> None:
    first = await notes.remember("The port is 8080.")
    await notes.forget(first.id)

    again = await notes.remember("The port is 8080.")

    assert again.created
    assert again.id != first.id


async def test_a_duplicate_of_an_expired_memory_is_stored_anew(notes: Notebook) -> None:
    await notes.remember("The build is red.", expires_at=at(10))
    notes.now = NOW + 20

    assert (await notes.remember("The build is red.")).created
    assert await notes.found("build red") == ["The build is red."]


async def test_a_duplicate_adds_its_tags_and_lasts_as_long_as_asked(notes: Notebook) -> None:
    await notes.remember("The build is red.", tags=["ci"], expires_at=at(100))
    await notes.remember("The build is red.", tags=["urgent", " "])
    notes.now = NOW + 1_000

    reply = await notes.recall(tags=["urgent", "ci"])

    assert [memory.tags for memory in reply.memories] == [("ci", "urgent")]
    assert reply.memories[0].expires_at is None
    assert await notes.found("urgent") == ["The build is red."]


async def test_a_near_duplicate_is_stored_and_linked_both_ways(notes: Notebook) -> None:
    first = await notes.remember("The staging server listens on port 8080.")
    near = await notes.remember("The staging server is listening on port 8080!")

    assert near.created
    assert [one.id for one in near.similar_to] == [first.id]
    shown = await notes.recall(ids=[first.id, near.id])
    assert [memory.similar_to for memory in shown.memories] == [(near.id,), (first.id,)]


async def test_another_number_or_name_makes_texts_different(notes: Notebook) -> None:
    await notes.remember("The staging server listens on port 8080.")
    await notes.remember("Ticket TKT-00123 is closed.")

    assert not (await notes.remember("The staging server listens on port 8081.")).similar_to
    assert not (await notes.remember("Ticket TKT-00124 is closed.")).similar_to


async def test_a_superseded_memory_is_recalled_by_id_alone(notes: Notebook) -> None:
    old = await notes.remember("The staging port is 8080.")
    new = await notes.remember("The staging port is 9090.", supersedes=old.id)

    found = await notes.recall("staging port")

    assert [memory.id for memory in found.memories] == [new.id]
    assert found.memories[0].supersedes == old.id
    by_id = await notes.recall(ids=[old.id])
    assert by_id.memories[0].superseded_by == new.id
    assert await notes.found() == ["The staging port is 9090."]


async def test_superseding_what_is_not_there_stores_nothing(notes: Notebook) -> None:
    elsewhere = await notes.within("other").remember("The port is 1.")

    for uid in ("mnosuchmemo", elsewhere.id):
        with pytest.raises(InvalidInput, match="nothing was stored"):
            await notes.remember("The port is 2.", supersedes=uid)

    assert await notes.found() == []


async def test_a_version_is_superseded_once_and_the_error_names_the_newer_one(
    notes: Notebook,
) -> None:
    old = await notes.remember("The port is 1.")
    new = await notes.remember("The port is 2.", supersedes=old.id)

    with pytest.raises(InvalidInput, match=new.id):
        await notes.remember("The port is 3.", supersedes=old.id)


async def test_a_fact_that_became_true_again_is_stored_again(notes: Notebook) -> None:
    first = await notes.remember("The port is 1.")
    second = await notes.remember("The port is 2.", supersedes=first.id)

    third = await notes.remember("The port is 1.", supersedes=second.id)

    assert third.created
    assert await notes.found("port") == ["The port is 1."]


async def test_blank_or_expired_content_is_refused(notes: Notebook) -> None:
    with pytest.raises(InvalidInput, match="blank"):
        await notes.remember(" \n ")
    with pytest.raises(InvalidInput, match="expires_at"):
        await notes.remember("gone", expires_at=at(-10))


async def test_the_scope_s_persona_is_kept_where_the_call_names_none(notes: Notebook) -> None:
    notes.scope = notes.scope.model_copy(update={"persona": "artemis"})
    await notes.remember("Index the hot column.")
    await notes.remember("Check the lock order.", persona="athena")

    assert await notes.found(persona="Artemis") == ["Index the hot column."]
    assert await notes.found(persona="athena") == ["Check the lock order."]


async def test_every_field_comes_back(notes: Notebook) -> None:
    stored = await notes.remember(
        "Ship on Friday.",
        tags=["plan"],
        kind="episodic",
        importance=0.9,
        source="notes/plan.md",
        thread="t1",
        speaker="Ada",
        occurred_at=at(-5),
        expires_at=at(500),
    )

    memory = (await notes.recall(ids=[stored.id])).memories[0]

    left_out = {"created_at", "score", "matched", "passage", "similar_to", "history", "newest"}
    assert memory.model_dump(exclude=left_out) == {
        "id": stored.id,
        "content": "Ship on Friday.",
        "occurred_at": "2023-11-14T22:13:15Z",
        "tags": ("plan",),
        "kind": "episodic",
        "importance": 0.9,
        "namespace": "home",
        "persona": None,
        "speaker": "Ada",
        "thread": "t1",
        "source": "notes/plan.md",
        "expires_at": "2023-11-14T22:21:40Z",
        "supersedes": None,
        "versions": 0,
        "superseded_by": None,
        "archived": None,
        "trust": "agent",
        "via": None,
        "client": None,
        "also": (),
    }
