"""Consolidation archives by stated rules, loses nothing, and is undone by its batch."""

import pytest

from tests.memory.notebook import Notebook
from tmws_mcp.memory.reply.text import recall_text
from tmws_mcp.memory.upkeep import consolidate
from tmws_mcp.memory.upkeep.consolidate import (
    DAY_SECONDS,
    FADED_DAYS,
    SUPERSEDED_DAYS,
    apply,
    bring_back,
    new_batch,
    proposals,
)
from tmws_mcp.model.upkeep import Proposal
from tmws_mcp.store import namespaces, usage
from tmws_mcp.store.driver import Connection

pytestmark = pytest.mark.anyio

LONG = "Deploys of the billing service happen on Friday in the evening"


async def proposed(notes: Notebook) -> list[Proposal]:
    def look(db: Connection) -> list[Proposal]:
        ns = namespaces.find(db, notes.scope.namespace)
        assert ns is not None
        return proposals(db, ns, notes.now)

    return await notes.store.read(look)


async def archive(notes: Notebook) -> str:
    def work(db: Connection) -> str:
        ns = namespaces.find(db, notes.scope.namespace)
        assert ns is not None
        batch = new_batch(db)
        apply(db, ns, proposals(db, ns, notes.now), batch, notes.now)
        return batch

    return await notes.store.write(work)


async def undo(notes: Notebook, batch: str) -> tuple[int, int]:
    return await notes.store.write(
        bring_back, batch, notes.scope, embedder=notes.embedder, now=notes.now
    )


def pairs(found: list[Proposal]) -> set[tuple[str, str]]:
    return {(one.id, one.reason) for one in found}


async def test_of_two_that_say_the_same_in_the_same_words_one_is_archived(notes: Notebook) -> None:
    first = await notes.remember(f"{LONG}.")
    second = await notes.remember(f"{LONG.lower()}!", importance=0.9)

    [found] = await proposed(notes)

    assert (found.id, found.reason, found.kept) == (first.id, "duplicate", second.id)


@pytest.mark.parametrize(
    ("other", "more"),
    [
        (f"{LONG}, not.", {}),
        (f"{LONG}?", {}),
        (LONG.replace("Friday", "Monday"), {}),
        (f"{LONG}!", {"speaker": "Ada"}),
        (f"{LONG}!", {"kind": "procedural"}),
        (f"{LONG}!", {"thread": "t"}),
    ],
)
async def test_what_says_anything_else_is_no_duplicate(
    notes: Notebook, other: str, more: dict[str, str]
) -> None:
    await notes.remember(f"{LONG}.")
    await notes.remember(other, **more)

    assert await proposed(notes) == []


async def test_neither_is_archived_where_each_has_a_tag_of_its_own(notes: Notebook) -> None:
    await notes.remember(f"{LONG}.", tags=["a"])
    await notes.remember(f"{LONG}!", tags=["b"])

    assert await proposed(notes) == []


async def test_turns_that_nobody_needed_fade(notes: Notebook) -> None:
    faint = {"kind": "episodic", "importance": 0.1, "thread": "t"}
    dull = await notes.remember("We talked about the weather.", **faint)
    needed = await notes.remember("We talked about the port.", **faint)
    await notes.remember("We talked about lunch.", **faint, trust="user")
    await notes.remember("We talked about the plan.", **{**faint, "importance": 0.5})
    await notes.remember("The weather is a fact.", importance=0.1)
    notes.now += (FADED_DAYS + 1) * DAY_SECONDS
    await notes.remember("We talked about it today.", **faint)
    await notes.store.write(usage.count_recalls, {needed.id: (1, notes.now)})

    assert pairs(await proposed(notes)) == {(dull.id, "faded")}


async def test_versions_replaced_long_ago_are_archived_and_stay_readable(notes: Notebook) -> None:
    first = await notes.remember("The port is 1.")
    second = await notes.remember("The port is 2.", supersedes=first.id)
    notes.now += (SUPERSEDED_DAYS + 1) * DAY_SECONDS
    third = await notes.remember("The port is 3.", supersedes=second.id)

    assert pairs(await proposed(notes)) == {(first.id, "superseded")}
    batch = await archive(notes)

    [memory] = (await notes.recall(ids=[first.id])).memories
    assert (memory.archived, memory.superseded_by) == (batch, second.id)
    assert (await notes.recall("port")).memories[0].versions == 2
    assert await undo(notes, batch) == (1, 0)
    assert (await notes.recall(ids=[third.id])).memories[0].history == (
        third.id,
        second.id,
        first.id,
    )


async def test_an_archived_memory_is_found_by_its_id_alone_until_it_is_brought_back(
    notes: Notebook,
) -> None:
    faint = {"kind": "episodic", "importance": 0.1, "thread": "t"}
    before = await notes.remember("Which day suits you?", thread="t")
    dull = await notes.remember("Wednesday suits the gardener.", **faint)
    notes.now += (FADED_DAYS + 1) * DAY_SECONDS
    batch = await archive(notes)

    assert "Wednesday suits the gardener." not in await notes.found("Wednesday gardener")
    assert before.id in [memory.id for memory in (await notes.recall()).memories]
    assert len(await notes.found()) == 1
    reply = await notes.recall(ids=[dull.id])
    assert (reply.memories[0].archived, reply.memories[0].superseded_by) == (batch, None)
    assert f"archived in {batch}" in recall_text(reply)
    assert await proposed(notes) == []

    assert await undo(notes, batch) == (1, 0)

    assert (await notes.found("Wednesday gardener"))[0] == "Wednesday suits the gardener."
    assert "meaning" in (await notes.recall("Wednesday gardener")).memories[0].matched
    with pytest.raises(Exception, match="no archive"):
        await undo(notes, batch)


async def test_what_was_stored_again_stays_archived(notes: Notebook) -> None:
    faint = {"kind": "episodic", "importance": 0.1}
    await notes.remember("We talked about the weather.", **faint)
    await notes.remember("We talked about tea.", **faint)
    notes.now += (FADED_DAYS + 1) * DAY_SECONDS
    batch = await archive(notes)
    await notes.remember("We talked about tea.")

    assert await undo(notes, batch) == (1, 0)

    assert sorted(await notes.found()) == ["We talked about tea.", "We talked about the weather."]


async def test_forgetting_takes_the_archived_duplicates_along_and_back(notes: Notebook) -> None:
    first = await notes.remember(f"{LONG}.")
    kept = await notes.remember(f"{LONG}!", importance=0.9)
    await archive(notes)

    gone = await notes.forget(kept.id)
    back = await notes.forget(undo=[kept.id])

    assert set(gone.forgotten) == set(back.restored) == {first.id, kept.id}
    assert await notes.found("deploys") == [f"{LONG}!"]
    assert (await notes.recall("deploys")).memories[0].versions == 0


async def test_an_archived_memory_can_be_superseded(notes: Notebook) -> None:
    dull = await notes.remember("We met on Monday.", kind="episodic", importance=0.1)
    notes.now += (FADED_DAYS + 1) * DAY_SECONDS
    await archive(notes)

    newer = await notes.remember("We met on Tuesday.", supersedes=dull.id)

    [memory] = (await notes.recall(ids=[dull.id])).memories
    assert (memory.archived, memory.superseded_by) == (None, newer.id)


async def test_pairs_that_are_no_duplicates_do_not_use_up_the_limit(
    notes: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consolidate, "SLICE", 2)
    for i in range(4):
        text = f"{LONG} {'again ' * i}"
        await notes.remember(f"{text}.", tags=["a"])
        await notes.remember(f"{text}!", tags=["b"])
    last = await notes.remember(f"Hence {LONG}.")
    await notes.remember(f"Hence {LONG}!")

    assert last.id in {one.id for one in await proposed(notes)}


async def test_a_slice_archives_no_more_than_its_limit(
    notes: Notebook,
) -> None:
    for i in range(5):
        await notes.remember(f"We talked about thing {i}.", kind="episodic", importance=0.1)
    notes.now += (FADED_DAYS + 1) * DAY_SECONDS

    found = await notes.store.read(
        lambda db: proposals(db, namespaces.find(db, "home"), notes.now, 3)
    )

    assert len(found) == 3
