"""Input that nobody means well with: it is bounded, it is found again, and it breaks nothing."""

import time

import pytest

from tests.memory.notebook import Notebook
from tmws_mcp.errors import InvalidInput
from tmws_mcp.memory.language.identifiers import identifiers, without_codes
from tmws_mcp.memory.reply.text import forget_text, recall_text
from tmws_mcp.model.memory import CONTENT_CHARS_MAX
from tmws_mcp.tokens import estimate_tokens

pytestmark = pytest.mark.anyio

SECONDS_MAX = 10.0
"""On a busy machine; what took the square of its length took minutes."""


@pytest.mark.parametrize(
    "run", [".", "#@", "~/", "_", "a'", "1.", "a\u200b", "e\u0301", "🎉", "東"]
)
async def test_a_text_of_one_sign_is_stored_and_searched_in_little_time(
    notes: Notebook, run: str
) -> None:
    content = (run * CONTENT_CHARS_MAX)[:CONTENT_CHARS_MAX]
    began = time.perf_counter()

    stored = await notes.remember(content)
    await notes.recall((run * 4_000)[:4_000])

    assert time.perf_counter() - began < SECONDS_MAX
    assert (await notes.recall(ids=[stored.id])).memories[0].content


def test_identifiers_of_a_run_of_signs_take_time_in_proportion() -> None:
    began = time.perf_counter()

    assert identifiers("." * CONTENT_CHARS_MAX) == set()
    assert without_codes("#" * CONTENT_CHARS_MAX) == "#" * CONTENT_CHARS_MAX

    assert time.perf_counter() - began < SECONDS_MAX


async def test_a_long_query_on_long_memories_takes_little_time(notes: Notebook) -> None:
    for i in range(8):
        await notes.remember(f"penguin {i} " + "alpha beta gamma delta " * 4_000)
    began = time.perf_counter()

    reply = await notes.recall(
        " ".join(f"alpha{i} beta delta" for i in range(200)), limit=200, token_budget=20_000
    )

    assert time.perf_counter() - began < SECONDS_MAX
    assert len(reply.memories) + reply.omitted == 8


@pytest.mark.parametrize("query", ['" OR * NEAR(', "own : (port)", "port) OR (own : x", "'; --"])
async def test_the_index_takes_no_orders_from_a_query(notes: Notebook, query: str) -> None:
    await notes.remember("The staging port is 8080.")

    found = await notes.found(query)

    assert found == (["The staging port is 8080."] if "port" in query else [])


@pytest.mark.parametrize("never", ["9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59Z"])
async def test_a_time_that_means_never_can_be_stored_and_shown(notes: Notebook, never: str) -> None:
    await notes.remember("kept for ever", expires_at=never, occurred_at=never)

    shown = (await notes.recall("kept for ever")).memories[0]

    assert shown.expires_at == shown.occurred_at == "9999-12-31T23:59:59Z"


async def test_tags_do_not_burst_the_budget_and_are_all_there_by_id(notes: Notebook) -> None:
    tags = [f"{i:02}" + "tag" * 60 for i in range(32)]
    stored = await notes.remember("penguins live in the south", tags=tags)

    reply = await notes.recall("penguins", token_budget=50)

    assert reply.memories[0].passage
    assert reply.tokens <= 50
    assert stored.id in recall_text(reply)
    assert list((await notes.recall(ids=[stored.id])).memories[0].tags) == tags


async def test_what_a_query_would_forget_is_told_in_few_tokens(notes: Notebook) -> None:
    ids = {(await notes.remember(f"penguin {i} " + "lorem ipsum " * 5_000)).id for i in range(9)}

    reply = await notes.forget(query="penguin")

    text = forget_text(reply)
    assert estimate_tokens(text) < 1_000
    assert {memory.id for memory in reply.would_forget} == ids
    assert all(uid in text for uid in ids)


async def test_a_query_forgets_what_it_names_and_nothing_that_is_only_related(
    notes: Notebook,
) -> None:
    meant = await notes.remember("The port of billing is 54203 (TKT-00003).")
    for part in ("search", "gateway", "importer", "mailer"):
        await notes.remember(f"The port of {part} was moved.")

    assert len(await notes.found("TKT-00003 port of billing")) > 1
    assert (await notes.forget(query="TKT-00003 port of billing", confirm=True)).forgotten == (
        meant.id,
    )


async def test_a_turn_without_words_has_no_vector(notes: Notebook) -> None:
    await notes.remember("🎉", thread="t")

    assert await notes.found("marriage ceremony in Portugal") == []
    assert await notes.found("🎉") == ["🎉"]
    assert await notes.rows("SELECT count(*) FROM memory_vectors_1") == [(0,)]


async def test_bringing_back_one_text_twice_is_refused(notes: Notebook) -> None:
    first = await notes.remember("same")
    await notes.forget(first.id)
    second = await notes.remember("same")
    await notes.forget(second.id)

    with pytest.raises(InvalidInput, match="Leave"):
        await notes.forget(undo=[first.id, second.id])

    assert await notes.found() == []


async def test_pages_of_the_newest_end_even_if_more_is_stored_meanwhile(notes: Notebook) -> None:
    for i in range(6):
        await notes.remember(f"fact {i}")
    page = await notes.recall(limit=3)
    await notes.remember("fact of today")

    last = await notes.recall(limit=3, cursor=page.cursor)

    assert [memory.content for memory in last.memories] == ["fact 2", "fact 1", "fact 0"]
    assert (last.omitted, last.cursor) == (0, None)


@pytest.mark.parametrize("content", ["\u200b\u200d\ufeff", "\u2028 \t", "\x07"])
async def test_a_text_that_shows_nothing_is_blank(notes: Notebook, content: str) -> None:
    with pytest.raises(InvalidInput, match="blank"):
        await notes.remember(content)


async def test_an_endless_id_is_refused_in_few_words(notes: Notebook) -> None:
    with pytest.raises(InvalidInput) as refused:
        await notes.remember("new", supersedes="m" * 100_000)

    assert len(str(refused.value)) < 300


async def test_a_memory_is_not_called_nearly_the_same_as_what_it_replaces(notes: Notebook) -> None:
    first = await notes.remember("We deploy the shop on Tuesday mornings.")
    again = await notes.remember("We deploy the shop on Tuesday mornings!", supersedes=first.id)

    assert again.similar_to == ()


async def test_the_text_says_when_a_memory_expires(notes: Notebook) -> None:
    stored = await notes.remember("The token is valid.", expires_at="2030-01-02T00:00:00Z")

    assert "expires 2030-01-02" in recall_text(await notes.recall(ids=[stored.id]))
