"""Any mix of filters gives exactly what reading all memories one by one would give."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tmws_mcp.engine import Engine, open_engine
from tmws_mcp.model import RecallReply
from tmws_mcp.settings import Settings

MEMORIES = 60
TAGS = ("ops", "Night", "-x", "日本", "two words")
PEOPLE = ("Ada", "Bo")
KINDS = ("semantic", "episodic", "procedural")
THREADS = ("t1", "T1", "t2")
FIRST_DAY = datetime(2023, 1, 1, tzinfo=UTC)
MAYBE_TAGS = st.lists(st.sampled_from([*TAGS, "NIGHT", "Ops", "nobody's"]), max_size=3)
DAYS = st.integers(0, MEMORIES).map(lambda day: (FIRST_DAY + timedelta(days=day)).isoformat())
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "tags": MAYBE_TAGS,
        "tags_any": MAYBE_TAGS,
        "tags_none": MAYBE_TAGS,
        "kinds": st.lists(st.sampled_from(KINDS), max_size=3),
        "persona": st.sampled_from([*PEOPLE, "ada"]),
        "speaker": st.sampled_from([*PEOPLE, "BO", "Eve"]),
        "thread": st.sampled_from([*THREADS, "t3"]),
        "since": DAYS,
        "until": DAYS,
        "min_importance": st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    },
)

Stored = Mapping[str, Any]


def written(number: int, choose: random.Random) -> dict[str, Any]:
    return {
        "content": f"Note {number} about the harbour",
        "tags": choose.sample(TAGS, choose.randrange(4)),
        "kind": choose.choice(KINDS),
        "importance": choose.choice([0.0, 0.25, 0.5, 0.75, 1.0]),
        "persona": choose.choice(["", *PEOPLE]),
        "speaker": choose.choice(["", *PEOPLE]),
        "thread": choose.choice(["", *THREADS]),
        "occurred_at": (FIRST_DAY + timedelta(days=number)).isoformat(),
    }


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as running:
        yield running


@pytest.fixture(scope="module")
def filled(
    portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Engine, dict[str, Stored]]]:
    environment = {
        "TMWS_HOME": str(tmp_path_factory.mktemp("filters")),
        "TMWS_NAMESPACE": "here",
        "TMWS_PERSONA": "",
    }
    choose = random.Random(1)
    with portal.wrap_async_context_manager(open_engine(Settings.load(environment))) as engine:
        stored = {}
        for number in range(MEMORIES):
            request = written(number, choose)
            stored[portal.call(engine.store_memory, request).id] = request
            # What another namespace holds under the same filters must not take anybody's place.
            portal.call(engine.store_memory, {**request, "namespace": "elsewhere"})
        yield engine, stored


def chosen(stored: Mapping[str, Stored], asked: Mapping[str, Any]) -> set[str]:
    return {uid for uid, one in stored.items() if all(passes(one, asked))}


def passes(one: Stored, asked: Mapping[str, Any]) -> Iterator[bool]:
    tags = {tag.lower() for tag in one["tags"]}
    wanted = {name: lowered(asked.get(name, ())) for name in ("tags", "tags_any", "tags_none")}
    yield wanted["tags"] <= tags
    yield not wanted["tags_any"] or bool(wanted["tags_any"] & tags)
    yield not wanted["tags_none"] & tags
    yield not asked.get("kinds") or one["kind"] in asked["kinds"]
    yield one["importance"] >= asked.get("min_importance", 0)
    yield one["thread"] == asked.get("thread", one["thread"])
    for name in ("persona", "speaker"):
        yield name not in asked or one[name].lower() == asked[name].lower()
    yield asked.get("since", "") <= one["occurred_at"]
    yield one["occurred_at"] <= asked.get("until", "9")


def lowered(tags: Sequence[str]) -> set[str]:
    return {tag.lower() for tag in tags}


def ids(reply: RecallReply) -> list[str]:
    return [uid for one in reply.memories for uid in (one.id, *one.also)]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(asked=FILTERS)
def test_filters_give_what_reading_all_memories_would_give(
    portal: BlockingPortal, filled: tuple[Engine, dict[str, Stored]], asked: dict[str, Any]
) -> None:
    engine, stored = filled
    expected = chosen(stored, asked)

    def recall(**more: Any) -> RecallReply:
        return portal.call(engine.recall_memory, {**asked, **more})

    listed = recall(limit=200, token_budget=20_000)
    assert set(ids(listed)) == expected
    assert len(ids(listed)) + listed.omitted == len(expected)
    ranked = recall(query="note about the harbour", limit=200, token_budget=20_000)
    assert set(ids(ranked)) == expected
    for query in ("", "note about the harbour"):
        assert sorted(paged(recall, query)) == sorted(expected)


def paged(recall: Callable[..., RecallReply], query: str) -> list[str]:
    seen: list[str] = []
    cursor = ""
    while True:
        reply = recall(query=query, limit=23, token_budget=900, cursor=cursor)
        seen += ids(reply)
        if not reply.cursor:
            return seen
        cursor = reply.cursor


def test_a_tag_that_begins_with_a_sign_is_a_tag_like_others(
    portal: BlockingPortal, filled: tuple[Engine, dict[str, Stored]]
) -> None:
    engine, stored = filled

    with_it = portal.call(engine.recall_memory, {"tags": ["-x"], "limit": 200})
    without = portal.call(engine.recall_memory, {"tags_none": ["-x"], "limit": 200})

    assert len(ids(with_it)) + with_it.omitted == len(chosen(stored, {"tags": ["-x"]}))
    assert all("-x" in memory.tags for memory in with_it.memories)
    assert all("-x" not in memory.tags for memory in without.memories)
