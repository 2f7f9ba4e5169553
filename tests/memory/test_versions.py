"""Versions: the newest answers, says that there are older ones, and each of them can be read."""

import pytest

from tests.memory.notebook import Notebook
from tmws_mcp.memory.reply.text import recall_text

pytestmark = pytest.mark.anyio


async def three_versions(notes: Notebook) -> tuple[str, str, str]:
    first = await notes.remember("The staging port is 1.")
    second = await notes.remember("The staging port is 2.", supersedes=first.id)
    third = await notes.remember("The staging port is 3.", supersedes=second.id)
    return first.id, second.id, third.id


async def test_recall_shows_the_newest_and_how_many_older_ones_there_are(notes: Notebook) -> None:
    _, second, _ = await three_versions(notes)

    reply = await notes.recall("staging port")

    [memory] = reply.memories
    assert (memory.content, memory.versions, memory.supersedes) == (
        "The staging port is 3.",
        2,
        second,
    )
    assert f"replaces {second} (+1 older)" in recall_text(reply)


async def test_an_old_id_says_what_replaced_it_and_what_holds_now(notes: Notebook) -> None:
    first, second, third = await three_versions(notes)

    reply = await notes.recall(ids=[first])

    [memory] = reply.memories
    assert (memory.superseded_by, memory.newest) == (second, third)
    assert memory.history == (third, second, first)
    text = recall_text(reply)
    assert f"replaced by {second}, newest {third}" in text
    assert f"versions {third}, {second}, {first}" in text


async def test_one_replacement_says_no_more_than_that(notes: Notebook) -> None:
    first = await notes.remember("The port is 1.")
    second = await notes.remember("The port is 2.", supersedes=first.id)

    text = recall_text(await notes.recall("port"))

    assert f"replaces {first.id}]" in text
    assert "older" not in text
    assert f"replaced by {second.id}]" in recall_text(await notes.recall(ids=[first.id]))


async def test_a_forgotten_version_is_counted_no_more(notes: Notebook) -> None:
    first, second, third = await three_versions(notes)
    await notes.forget(first)

    [memory] = (await notes.recall(ids=[third])).memories

    assert (memory.versions, memory.history) == (1, (third, second))


async def test_a_long_history_is_bounded_in_the_text(notes: Notebook) -> None:
    uid = (await notes.remember("The count is 0.")).id
    for i in range(1, 15):
        uid = (await notes.remember(f"The count is {i}.", supersedes=uid)).id

    reply = await notes.recall(ids=[uid])

    assert len(reply.memories[0].history) == 15
    assert recall_text(reply).count(", m") == 9
    assert "…" in recall_text(reply)
