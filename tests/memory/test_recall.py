"""What recall finds, in which order, under which filters."""

from datetime import UTC, datetime

import pytest

from tests.memory.notebook import NOW, Notebook
from tmws_mcp.errors import InvalidInput, NotFound
from tmws_mcp.memory.recall import memory_by_id
from tmws_mcp.model.memory import FocusedRequest

pytestmark = pytest.mark.anyio

FACTS = [
    "The deploy script fails when the disk is full.",
    "We chose SQLite in WAL mode so that several processes can write.",
    "TKT-00123 is about the login page of the shop.",
    "TKT-00124 is about the login page of the shop.",
    "The retry lives in src/net/http_client.py, in class RetryPolicy.",
    "E0308 came from a mismatched return type.",
    "The customer's birthday party is moved to Thursday afternoon.",
    "Run the linter before each commit.",
]


@pytest.fixture
async def facts(notes: Notebook) -> Notebook:
    for fact in FACTS:
        await notes.remember(fact)
    return notes


@pytest.mark.parametrize(
    ("query", "fact"),
    [
        ("TKT-00123", 2),
        ("what was tkt-00124 about?", 3),
        ("http_client.py", 4),
        ("where is RetryPolicy", 4),
        ("retry policy", 4),
        ("why did we see E0308", 5),
    ],
)
async def test_a_literal_key_comes_first(facts: Notebook, query: str, fact: int) -> None:
    assert (await facts.found(query))[0] == FACTS[fact]


@pytest.mark.parametrize(
    ("query", "fact"),
    [
        ("which database did we pick for concurrency", 1),
        ("publishing breaks without free storage space", 0),
        ("check code style prior to committing", 7),
    ],
)
async def test_a_paraphrase_is_found_by_its_meaning(facts: Notebook, query: str, fact: int) -> None:
    reply = await facts.recall(query)

    assert reply.tier == "hybrid"
    assert reply.memories[0].content == FACTS[fact]
    assert "meaning" in reply.memories[0].matched


async def test_a_far_paraphrase_of_a_text_with_a_key_in_it_is_found(notes: Notebook) -> None:
    fact = "TKT-00123: the staging database password rotates every month"
    await notes.remember(fact)
    await notes.remember("Lunch is at noon")

    assert await notes.found("how often do credentials change") == [fact]


async def test_one_query_finds_key_and_paraphrase(facts: Notebook) -> None:
    found = await facts.found("E0308; publishing breaks without free storage space", limit=3)

    assert {FACTS[5], FACTS[0]} <= set(found)


@pytest.mark.parametrize(
    "query", ["best recipe for sourdough bread", "how tall is mount everest", "🦄", "?!"]
)
async def test_an_answer_of_nothing_relevant_is_empty_and_says_so(
    facts: Notebook, query: str
) -> None:
    reply = await facts.recall(query)

    assert reply.memories == ()
    assert (reply.omitted, reply.cursor) == (0, None)
    assert reply.note is not None
    assert "Nothing stored here is about this" in reply.note


async def test_focus_leaves_out_what_is_clearly_behind_the_best(facts: Notebook) -> None:
    every = await facts.recall("login page of the shop", limit=50)
    near = await facts.ask(FocusedRequest(query="login page of the shop", limit=50, focus=0.9))

    least = 0.9 * every.memories[0].score
    assert near.memories == tuple(m for m in every.memories if m.score >= least)
    assert 0 < len(near.memories) < len(every.memories)
    assert len(near.memories) + near.omitted == len(every.memories) + every.omitted


async def test_scores_fall_within_zero_and_one_and_min_score_cuts(facts: Notebook) -> None:
    every = await facts.recall("login page of the shop", limit=50)
    scores = [memory.score or 0 for memory in every.memories]

    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    cut = await facts.recall("login page of the shop", limit=50, min_score=scores[1])
    assert [memory.score for memory in cut.memories] == scores[:2]


async def test_the_only_memory_of_a_namespace_is_found(notes: Notebook) -> None:
    await notes.remember("The staging port is 8080.")

    assert await notes.found("staging port") == ["The staging port is 8080."]


async def test_without_vectors_words_answer_and_the_reply_says_so(facts: Notebook) -> None:
    reply = await facts.without_vectors().recall("login page TKT-00124")

    assert reply.tier == "lexical"
    assert reply.note is not None
    assert "words alone" in reply.note
    assert reply.memories[0].content == FACTS[3]


async def test_without_a_query_the_newest_come_first(facts: Notebook) -> None:
    reply = await facts.recall(limit=2)

    assert [memory.content for memory in reply.memories] == [FACTS[7], FACTS[6]]
    assert all(memory.score is None for memory in reply.memories)
    assert reply.omitted == len(FACTS) - 2


async def test_filters_narrow_before_the_limit(notes: Notebook) -> None:
    """Two hundred better matches of another persona do not starve the answer."""
    await notes.remember(
        "The backup runs at night.", persona="athena", tags=["Ops"], kind="procedural",
        speaker="Ada", thread="t",
    )  # fmt: skip
    for i in range(200):
        await notes.remember(f"backup backup night {i}", persona="artemis")

    for only in (
        {"persona": "athena"},
        {"tags": ["ops"]},
        {"kinds": ["procedural"]},
        {"speaker": "ada"},
        {"thread": "t"},
    ):
        assert await notes.found("backup at night", **only) == ["The backup runs at night."]
        assert await notes.found(**only) == ["The backup runs at night."]


async def test_all_tags_are_needed(notes: Notebook) -> None:
    await notes.remember("one", tags=["a"])
    await notes.remember("both", tags=["a", "b"])

    assert await notes.found(tags=["b", "a"]) == ["both"]
    assert await notes.found(tags=["a", "c"]) == []


async def test_since_and_until_look_at_when_it_happened(notes: Notebook) -> None:
    await notes.remember("spring visit", occurred_at=datetime(2023, 4, 1, tzinfo=UTC))
    await notes.remember("autumn visit", occurred_at=datetime(2023, 10, 1, tzinfo=UTC))
    await notes.remember("visit of today")

    until_june = datetime(2023, 6, 1, tzinfo=UTC)
    assert await notes.found("visit", until=until_june) == ["spring visit"]
    assert set(await notes.found("visit", since=until_june)) == {"autumn visit", "visit of today"}
    today = datetime.fromtimestamp(NOW, UTC)
    assert await notes.found(since=today) == ["visit of today"]


async def test_an_expired_memory_is_recalled_by_id_alone(notes: Notebook) -> None:
    later = datetime.fromtimestamp(NOW + 100, UTC)
    stored = await notes.remember("The build is red.", expires_at=later)
    assert await notes.found("build red") == ["The build is red."]
    notes.now = NOW + 100

    assert await notes.found("build red") == []
    assert await notes.found() == []
    assert (await notes.recall(ids=[stored.id])).memories[0].content == "The build is red."


async def test_expired_memories_do_not_starve_the_search_by_meaning(notes: Notebook) -> None:
    later = datetime.fromtimestamp(NOW + 500, UTC)
    await notes.remember("The deploy script fails when the disk is full.")
    for i in range(80):
        await notes.remember(f"publishing breaks, no storage space {i}", expires_at=later)
    notes.now = NOW + 600

    found = await notes.found("publishing breaks without free storage space")

    assert found == ["The deploy script fails when the disk is full."]


async def test_ids_come_in_full_in_the_order_asked(facts: Notebook) -> None:
    listed = (await facts.recall(limit=3)).memories
    asked = [listed[2].id, listed[0].id, "mnosuchmemo", listed[2].id]

    reply = await facts.recall(ids=asked, token_budget=50)

    assert [memory.id for memory in reply.memories] == [listed[2].id, listed[0].id]
    assert reply.missing == ("mnosuchmemo",)
    assert (reply.omitted, reply.cursor) == (0, None)


async def test_an_unknown_namespace_answers_empty_with_the_names_that_exist(
    facts: Notebook,
) -> None:
    reply = await facts.within("hom", also=("home",)).recall("login page")

    assert reply.memories == ()
    assert reply.scope.known == ("home",)
    assert reply.note is not None


async def test_a_project_that_is_new_still_sees_the_user_s_namespace(notes: Notebook) -> None:
    await notes.within("user").remember("The user prefers tabs.")
    notes.scope = notes.scope.model_copy(update={"also": ("user",)})

    reply = await notes.recall("tabs or spaces, what does the user prefer")

    assert [memory.namespace for memory in reply.memories] == ["user"]
    assert reply.scope.known == ("user",)


async def test_namespaces_are_recalled_together_and_apart(notes: Notebook) -> None:
    await notes.within("user").remember("The user prefers tabs in all projects.")
    await notes.remember("This project uses spaces; the user agreed.")
    notes.scope = notes.scope.model_copy(update={"also": ("user",)})

    together = await notes.recall("what does the user prefer, tabs or spaces")

    assert {memory.namespace for memory in together.memories} == {"home", "user"}
    alone = await notes.within("home").recall("what does the user prefer, tabs or spaces")
    assert {memory.namespace for memory in alone.memories} == {"home"}
    assert {memory.namespace for memory in (await notes.recall()).memories} == {"home", "user"}


async def test_ids_of_other_namespaces_are_not_given_out(notes: Notebook) -> None:
    secret = await notes.within("other").remember("The other tenant's secret.")

    reply = await notes.recall(ids=[secret.id])

    assert reply.memories == ()
    assert reply.missing == (secret.id,)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("東京都の天気は晴れです", "東京の天気"),
        ("黒猫が庭にいる", "猫"),
        ("我们决定使用数据库", "数据库"),
        ("Die Größe der Straße", "grosse strasse"),
        ("El señor está aquí", "senor esta"),
        ("설정 파일은 홈 폴더에 있다", "설정 파일"),
    ],
)
async def test_languages(notes: Notebook, text: str, query: str) -> None:
    await notes.remember("Something else altogether.")
    await notes.remember(text)

    found = await notes.without_vectors().found(query)

    assert found[:1] == [text]


@pytest.mark.parametrize(
    "query",
    [
        '"',
        "a AND OR NOT",
        "own:x",
        "x*",
        "(",
        "NEAR(a b)",
        "-",
        "'; DROP TABLE memory",
        "^a",
        "{a}",
    ],
)
async def test_no_query_is_read_as_syntax(facts: Notebook, query: str) -> None:
    await facts.recall(query)

    assert len(await facts.found(limit=50)) == len(FACTS)


async def test_a_query_of_stop_words_is_looked_up_all_the_same(notes: Notebook) -> None:
    await notes.remember("To be or not to be")

    assert await notes.without_vectors().found("to be or not to be") == ["To be or not to be"]


async def test_a_memory_is_found_by_id_in_its_scope_until_it_is_forgotten(
    notes: Notebook,
) -> None:
    async def read(notes: Notebook) -> str:
        return (await notes.store.read(memory_by_id, stored.id, notes.scope)).content

    stored = await notes.remember("The port is 8080.")
    await notes.within("other").remember("something else")
    assert await read(notes) == "The port is 8080."
    assert await read(notes.within("other", also=("home",))) == "The port is 8080."
    with pytest.raises(NotFound, match=stored.id):
        await read(notes.within("other"))

    await notes.forget(stored.id)

    with pytest.raises(NotFound, match=stored.id):
        await read(notes)


async def test_the_cursor_goes_on_to_the_end_without_gap_or_repetition(facts: Notebook) -> None:
    for query in ("", "the login page of the shop and the linter before commit"):
        whole = [memory.id for memory in (await facts.recall(query, limit=200)).memories]
        paged: list[str] = []
        cursor = ""
        while True:
            reply = await facts.recall(query, limit=2, cursor=cursor)
            paged += [memory.id for memory in reply.memories]
            assert reply.omitted == len(whole) - len(paged)
            if not reply.cursor:
                break
            cursor = reply.cursor
        assert paged == whole


async def test_a_cursor_of_another_call_is_refused(facts: Notebook) -> None:
    cursor = (await facts.recall("login page", limit=1)).cursor
    assert cursor is not None
    forged = cursor.replace("r1.", "r2.")

    for query, given, more in [
        ("login pages", cursor, {}),
        ("login page", cursor, {"tags": ["x"]}),
        ("login page", forged, {}),
        ("login page", "x" * 4_000, {}),
        ("login page", "r1.1." + 12 * "\u0661", {}),
        ("", cursor, {}),
    ]:  # fmt: skip
        with pytest.raises(InvalidInput, match="cursor"):
            await facts.recall(query, cursor=given, **more)
    with pytest.raises(InvalidInput, match="cursor"):
        await facts.within("other").recall("login page", cursor=cursor)


async def test_a_cursor_tells_that_memories_were_stored_meanwhile(facts: Notebook) -> None:
    cursor = (await facts.recall("login page", limit=1)).cursor
    await facts.remember("Another login page.")

    reply = await facts.recall("login page", limit=1, cursor=cursor)

    assert reply.note is not None
    assert "may repeat" in reply.note


@pytest.mark.parametrize("others", [0, 1, 2, 30])
async def test_a_question_finds_its_answer_in_a_store_of_any_size(
    notes: Notebook, others: int
) -> None:
    kept = await notes.remember("The staging port is 8931")
    for number in range(others):
        await notes.remember(f"Lunch number {number} was soup")

    reply = await notes.recall("which port did we agree on")

    assert [memory.id for memory in reply.memories][:1] == [kept.id]


async def test_a_store_that_holds_nothing_yet_is_searched_in_the_full_tier(notes: Notebook) -> None:
    reply = await notes.recall("anything")

    assert reply.tier == "hybrid"
