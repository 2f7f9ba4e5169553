"""How replies fill their token budget."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.memory.notebook import Notebook
from tmws_mcp.embedding.embedder import Embedder
from tmws_mcp.memory.language.words import analysed
from tmws_mcp.memory.reply.passage import matches, passage
from tmws_mcp.memory.reply.text import recall_text
from tmws_mcp.store.database import Database
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
        assert reply.tokens <= budget
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
    assert "…" in recall_text(reply)
    assert "(ids=[…]) gives one in full" in recall_text(reply)


async def test_a_huge_result_neither_eats_the_budget_nor_ends_the_answer(notes: Notebook) -> None:
    for i in (1, 2):
        await notes.remember(f"The vault number {i} is in the cellar.")
    await notes.remember(LONG)
    for i in (3, 4):
        await notes.remember(f"Somebody opened vault {i} on a Friday, nobody knows why.")

    reply = await notes.recall("vault code", token_budget=300)

    assert len(reply.memories) == 5
    assert sum(memory.passage for memory in reply.memories) == 1
    assert reply.tokens > 200


async def test_a_small_budget_gives_a_line_of_each_rather_than_one_in_full(
    notes: Notebook,
) -> None:
    for i in range(5):
        await notes.remember(
            f"Meeting {i}. " + "We talked about this and that. " * 20
            + f"The budget of team {i} was cut. " + "Then there was lunch for all. " * 20
        )  # fmt: skip

    reply = await notes.recall("which budget was cut", token_budget=250)

    assert len(reply.memories) >= 3
    assert all("budget of team" in memory.content for memory in reply.memories)


async def test_more_budget_shows_at_least_as_many(notes: Notebook) -> None:
    for i in range(12):
        await notes.remember(f"Backup {i}. " + "It went on and on. " * (i * 7 % 30))

    shown = [
        len((await notes.recall("backup", limit=12, token_budget=budget)).memories)
        for budget in (50, 100, 200, 400, 1_500)
    ]

    assert shown == sorted(shown)
    assert shown[-1] == 12


async def test_near_duplicates_are_folded_into_the_best_of_them(notes: Notebook) -> None:
    first = await notes.remember("The staging server listens on port 8080.")
    second = await notes.remember("The staging server is listening on port 8080!")
    await notes.remember("The staging server was bought in spring.")

    reply = await notes.recall("staging server port 8080")

    folded = {first.id, second.id}
    assert reply.memories[0].id in folded
    assert {reply.memories[0].id, *reply.memories[0].also} == folded
    assert len(reply.memories) == 2
    assert reply.omitted == 0
    assert f"also: {reply.memories[0].also[0]}]" in recall_text(reply)
    assert "3 of 3" in recall_text(reply)


async def test_pages_pass_each_result_once_whether_folded_or_not(notes: Notebook) -> None:
    stored = set()
    for i in range(6):
        stored.add((await notes.remember(f"Server {i} listens on port 80{i}.")).id)
        stored.add((await notes.remember(f"Server {i} is listening on port 80{i}!")).id)
    seen: list[str] = []
    cursor = ""

    while True:
        reply = await notes.recall("server port", limit=2, cursor=cursor)
        seen += [uid for memory in reply.memories for uid in (memory.id, *memory.also)]
        assert len(seen) + reply.omitted == 12
        if not reply.cursor:
            break
        cursor = reply.cursor

    assert sorted(seen) == sorted(stored)


async def test_the_smallest_budget_shows_one_result(notes: Notebook) -> None:
    await notes.remember(LONG)

    reply = await notes.recall("what is the vault code", token_budget=50)

    assert len(reply.memories) == 1
    assert reply.memories[0].passage
    assert "vault" in reply.memories[0].content
    assert reply.tokens <= 50


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


SENTENCES = st.lists(
    st.sampled_from(["port", "server", "金庫", "open.", "\n", "x" * 90, "🦦", "a_b(c);", "12345"]),
    min_size=1,
    max_size=200,
).map(" ".join)
TOLD = st.fixed_dictionaries(
    {
        "content": SENTENCES.filter(str.strip),
        "tags": st.lists(st.text("ab_\n]", min_size=1, max_size=200), max_size=5),
        "speaker": st.text("Ada ]\n", max_size=200),
        "thread": st.text("t1 ", max_size=200),
        "source": st.text("notes/.md", max_size=200),
    }
)


async def budgets_are_kept(embedder: Embedder, told: list, query: str, budget: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Database(Path(folder) / "tmws.db") as store:
            notes = Notebook(store, embedder).within("n" * 80, also=("user",))
            for one in told:
                await notes.remember(**one)
            other = notes.within("unknown", also=("user",))
            for reply in (
                await notes.recall(query, limit=50, token_budget=budget),
                await notes.recall(limit=50, token_budget=budget),
                await notes.recall("zebra crossing", token_budget=budget),
                await notes.without_vectors().recall(query, limit=50, token_budget=budget),
                await other.recall(query, token_budget=budget),
            ):
                assert reply.tokens == estimate_tokens(recall_text(reply)) <= budget


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(TOLD, min_size=1, max_size=6), SENTENCES, st.integers(50, 1_500))
def test_no_reply_is_over_its_budget(
    embedder: Embedder, told: list, query: str, budget: int
) -> None:
    asyncio.run(budgets_are_kept(embedder, told, query, budget))


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


WORDS = st.sampled_from(
    ["vault", "code", "Cat.", "dog!", "\n", "2.5", "bird,", "金庫。", "a" * 400]
)


@given(st.lists(WORDS, max_size=80).map(" ".join), st.integers(3, 500))
def test_the_pieces_of_a_passage_stand_in_the_text_in_their_order(
    content: str, chars_max: int
) -> None:
    found = passage(content, matches(content, analysed("the vault code 金庫").stems), chars_max)

    at = 0
    for piece in found.split("…"):
        at = content.index(piece.strip(), at) + len(piece.strip())
    assert len(found) <= max(chars_max, 3)


def test_a_passage_takes_words_that_stand_apart_together() -> None:
    filler = "\n".join(f"Nothing happened on day {i} of the trip." for i in range(40))
    text = f"The hotel was Hilltop.\n{filler}\nBreakfast began at nine.\n{filler}"

    found = passage(text, matches(text, analysed("hotel breakfast").stems), 150)

    assert "The hotel was Hilltop." in found
    assert "Breakfast began at nine." in found
    assert "…" in found


def test_a_rare_word_finds_the_sentence_that_a_common_one_does_not() -> None:
    text = " ".join(f"The server number {i} is fine." for i in range(60))
    text = f"{text} The kraken ate it. {text}"

    assert "kraken" in passage(text, matches(text, analysed("which server, kraken").stems), 60)


def test_a_passage_reads_on_in_the_line_that_it_begins() -> None:
    lines = [f"Ada: I saw thing {i}. It was rather big." for i in range(30)]
    lines[20] = "Eve: The vault was open! I took the gold."
    text = "\n".join(lines)

    assert lines[20] in passage(text, matches(text, ("vault",)), 60)
