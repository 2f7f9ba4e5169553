"""How replies fill their token budget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.memory.notebook import Notebook
from tmws_mcp.memory.passage import matches, passage
from tmws_mcp.memory.text import recall_text
from tmws_mcp.memory.words import analysed
from tmws_mcp.tokens import estimate_tokens

pytestmark = pytest.mark.anyio

LONG = "Filler about nothing at all. " * 400 + "The vault code is 4711-A. " + "More filler. " * 900


async def test_tokens_count_the_text(notes: Notebook) -> None:
    await notes.remember("The staging port is 8080.")

    for reply in (await notes.recall("port"), await notes.recall(), await notes.recall("zebra")):
        assert reply.tokens == estimate_tokens(recall_text(reply))


@pytest.mark.parametrize("budget", [60, 120, 300, 800, 2_000])
async def test_a_reply_keeps_within_its_budget_and_tells_what_it_left_out(
    notes: Notebook, budget: int
) -> None:
    for i in range(40):
        await notes.remember(f"Backup number {i} ran on machine {i * 7} for {i} minutes.")

    for query in ("backup machine", ""):
        reply = await notes.recall(query, limit=200, token_budget=budget)
        rest = await notes.recall(query, limit=200, token_budget=20_000)
        assert reply.tokens <= budget or len(reply.memories) == 1
        assert len(reply.memories) + reply.omitted == len(rest.memories)
        assert (reply.cursor is None) == (reply.omitted == 0)


async def test_a_long_memory_gives_the_passage_that_matters(notes: Notebook) -> None:
    stored = await notes.remember(LONG)
    await notes.remember("The vault is in the cellar.")

    reply = await notes.recall("what is the vault code")

    long = next(memory for memory in reply.memories if memory.id == stored.id)
    assert long.passage
    assert "The vault code is 4711-A." in long.content
    assert len(reply.memories) == 2
    assert "passage" in recall_text(reply)
    assert "ids=" in recall_text(reply)


async def test_the_smallest_budget_shows_one_result(notes: Notebook) -> None:
    await notes.remember(LONG)

    reply = await notes.recall("what is the vault code", token_budget=50)

    assert len(reply.memories) == 1
    assert reply.memories[0].passage
    assert "vault" in reply.memories[0].content
    assert reply.tokens < 100


async def test_a_memory_too_long_for_any_reply_is_read_on_by_the_cursor(notes: Notebook) -> None:
    content = "".join(f"{i:06d} " for i in range(14_000))
    stored = await notes.remember(content)
    short = await notes.remember("short")
    ids = [stored.id, short.id, "mmissing"]
    parts, cursor = [], ""

    while True:
        reply = await notes.recall(ids=ids, cursor=cursor)
        assert reply.tokens <= 20_000
        parts += [(memory.id, memory.content) for memory in reply.memories]
        assert reply.missing == ("mmissing",)
        if not reply.cursor:
            assert reply.omitted == 0
            break
        assert reply.omitted > 0
        cursor = reply.cursor

    assert "".join(text for uid, text in parts if uid == stored.id) == content
    assert parts[-1] == (short.id, "short")


def test_a_passage_holds_most_of_what_was_asked() -> None:
    text = "The cat sat. " * 50 + "The dog barked at the cat near the vault. " + "A bird. " * 80

    found = passage(text, matches(text, analysed("did the dog bark near the vault").stems), 80)

    assert "dog barked" in found
    assert "vault" in found
    assert found.startswith("…")
    assert found.endswith("…")


@given(st.text(max_size=400), st.text(max_size=40), st.integers(3, 200))
def test_a_passage_is_never_longer_than_allowed(content: str, query: str, chars_max: int) -> None:
    found = passage(content, matches(content, analysed(query).stems), chars_max)

    assert len(found) <= max(chars_max, 3)
    assert found.strip("…").strip() in content
