"""The traps of an index that holds each memory's neighbours."""

import pytest

from tests.memory.notebook import Notebook
from tmws_mcp.store.driver import Connection

pytestmark = pytest.mark.anyio


async def columns_with(notes: Notebook, word: str) -> dict[str, list[int]]:
    """Return for each column of the index the memories, counted from 1, that have a word there."""

    def look(db: Connection) -> dict[str, list[int]]:
        sql = "SELECT rowid FROM memory_words_1 WHERE memory_words_1 MATCH ? ORDER BY rowid"
        names = ("own", "previous", "next", "wide")
        return {name: [row[0] for row in db.rows(sql, (f"{name} : {word}",))] for name in names}

    return await notes.store.read(look)


async def say(notes: Notebook, *words: str, thread: str = "talk") -> list[str]:
    return [(await notes.remember(word, thread=thread)).id for word in words]


async def test_an_append_rewrites_the_three_before_it(notes: Notebook) -> None:
    await say(notes, "alpha", "bravo", "charlie", "delta", "echo")

    assert await columns_with(notes, "charlie") == {
        "own": [3],
        "previous": [4],
        "next": [2],
        "wide": [1, 5],
    }
    assert await columns_with(notes, "echo") == {
        "own": [5],
        "previous": [],
        "next": [4],
        "wide": [2, 3],
    }


async def test_a_memory_without_thread_has_no_neighbours(notes: Notebook) -> None:
    await notes.remember("alpha")
    await notes.remember("bravo")

    assert await columns_with(notes, "alpha") == {
        "own": [1],
        "previous": [],
        "next": [],
        "wide": [],
    }


async def test_forgotten_text_leaves_its_neighbours_and_comes_back_to_them(
    notes: Notebook,
) -> None:
    ids = await say(notes, "alpha", "bravo", "charlie", "delta", "echo", "foxtrot")
    before = {word: await columns_with(notes, word) for word in ("alpha", "charlie", "foxtrot")}

    await notes.forget(ids[2])

    assert await columns_with(notes, "charlie") == {
        "own": [],
        "previous": [],
        "next": [],
        "wide": [],
    }
    assert (await columns_with(notes, "bravo"))["previous"] == [4]
    assert (await columns_with(notes, "foxtrot"))["wide"] == [2, 4]

    await notes.forget(undo=[ids[2]])

    after = {word: await columns_with(notes, word) for word in ("alpha", "charlie", "foxtrot")}
    assert after == before


async def test_forgetting_several_in_a_row_leaves_nothing_of_them(notes: Notebook) -> None:
    words = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf"]
    ids = await say(notes, *words)

    await notes.forget(*ids[1:5])

    for word in words[1:5]:
        assert not any((await columns_with(notes, word)).values())
    assert (await columns_with(notes, "alpha"))["previous"] == [6]


async def test_forgotten_text_leaves_the_vector_of_the_next_turn(notes: Notebook) -> None:
    async def vector(memory: int) -> bytes:
        return (await notes.rows("SELECT e FROM memory_vectors_1 WHERE rowid = ?", memory))[0][0]

    alone = await say(notes, "We meet on Friday.", thread="one")
    ids = await say(notes, "Dinosaurs are extinct.", "We gather on Friday.", thread="two")
    with_context = await vector(3)

    await notes.forget(ids[0])

    assert await vector(3) != with_context
    await notes.forget(ids[1], alone[0])
    await say(notes, "We gather on Friday.", thread="three")
    assert await vector(4) is not None


async def test_a_superseded_turn_stays_its_neighbours_context(notes: Notebook) -> None:
    ids = await say(notes, "alpha", "bravo")

    await notes.remember("zulu", supersedes=ids[0])

    assert await columns_with(notes, "alpha") == {
        "own": [],
        "previous": [2],
        "next": [],
        "wide": [],
    }


async def test_a_turn_is_found_by_what_was_said_before_it(notes: Notebook) -> None:
    await say(notes, "Which database do we take?", "Postgres, I would say.", thread="talk")
    await notes.remember("Postgres was mentioned elsewhere.")

    found = await notes.without_vectors().recall("database")

    assert found.memories[0].content == "Postgres, I would say."


async def test_it_is_found_so_even_where_a_filter_hides_the_question(notes: Notebook) -> None:
    await notes.remember("Which database do we take?", thread="talk", speaker="Ada")
    await notes.remember("Postgres, I would say.", thread="talk", speaker="Bob")

    found = await notes.without_vectors().found("database", speaker="Bob")

    assert found == ["Postgres, I would say."]


async def test_the_actor_s_name_is_searched_and_ranks_first(notes: Notebook) -> None:
    await notes.remember("I paint landscapes in oil.", speaker="Caroline", thread="t")
    await notes.remember("I paint landscapes in water colours.", speaker="Melanie", thread="t")

    reply = await notes.recall("What does Melanie paint?")

    assert reply.memories[0].speaker == "Melanie"
    assert "actor" in reply.memories[0].matched


async def test_a_day_is_found_by_its_words(notes: Notebook) -> None:
    await notes.remember("We signed.", occurred_at="2023-05-08T10:00:00Z")
    await notes.remember("We drank tea.", occurred_at="2022-11-02T10:00:00Z")

    found = await notes.without_vectors().found("8 May 2023")

    assert found == ["We signed."]


async def test_codes_do_not_draw_a_vector_away_from_what_is_said(notes: Notebook) -> None:
    kept = await notes.remember("TKT-00123: the staging database password rotates every month")

    reply = await notes.recall("how often do credentials change")

    assert [memory.id for memory in reply.memories] == [kept.id]


async def test_a_code_alone_has_no_meaning_to_be_near_to(notes: Notebook) -> None:
    await notes.remember("TKT-00123: the staging database password rotates every month")
    await notes.remember("Lunch is at noon")

    reply = await notes.recall("TKT-00123")

    assert len(reply.memories) == 1
