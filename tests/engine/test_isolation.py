"""Whatever one namespace stores, every reply about another stays the same, byte for byte."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import anyio
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tmws_mcp.engine import Engine, open_engine
from tmws_mcp.errors import TmwsError
from tmws_mcp.patterns.semantic.stage import LEARNING
from tmws_mcp.settings import Settings

WORDS = st.sampled_from(
    ["port", "server", "disk", "backup", "login", "deploy", "TKT-00123", "ada", "東京", "8080"]
)
SENTENCES = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)
MEMORIES = st.lists(
    st.fixed_dictionaries(
        {
            "content": SENTENCES,
            "thread": st.sampled_from(["", "t1"]),
            "tags": st.lists(st.sampled_from(["a", "b"]), max_size=2),
            "speaker": st.sampled_from(["", "Ada"]),
        }
    ),
    min_size=1,
    max_size=5,
)
NEVER_THE_SAME = {"ms", "steps", "cached", "tokens", "tokens_saved"}
"""Times, and whether it was kept from the time before; `tokens` counts the words for that."""


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as running:
        yield running


@pytest.fixture(scope="module")
def opened(
    portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Engine, list[int]]]:
    environment = {"TMWS_HOME": str(tmp_path_factory.mktemp("two")), "TMWS_NAMESPACE": "mine"}
    with portal.wrap_async_context_manager(open_engine(Settings.load(environment))) as engine:
        portal.call(learned, engine)
        yield engine, [0]


async def learned(engine: Engine) -> None:
    """Wait until the examples are learned: what a query means must not change in between."""
    with anyio.fail_after(60):
        while LEARNING in await meaning(engine):
            pass


async def meaning(engine: Engine) -> str:
    reply = await engine.pattern_execute({"query": "zebra", "dry_run": True})
    assert reply.explanation is not None
    return reply.explanation.match


async def replies(engine: Engine, query: str, ids: Sequence[str]) -> list[str]:
    """Return what every way of asking about `mine` answers."""
    asked: list[dict[str, Any]] = [
        {"query": query, "limit": 50},
        {"query": query, "limit": 2, "token_budget": 90},
        {"query": query, "tags_any": ["a"], "tags_none": ["b"], "thread": "t1"},
        {"limit": 50},
        {"limit": 2, "speaker": "ada"},
        {"ids": ids},
    ]
    found = [await engine.recall_memory(one) for one in asked]
    for request, reply in zip(asked[:2], found[:2], strict=True):
        if reply.cursor:
            found.append(await engine.recall_memory({**request, "cursor": reply.cursor}))
    told = [reply.model_dump_json() for reply in found]
    told.append((await engine.forget_memory({"query": query})).model_dump_json())
    told.append(json.dumps((await engine.statistics()).memory))
    told += [str(await engine.complete(kind, "")) for kind in ("memory", "tag", "persona")]
    told += [(await engine.memory(uid)).model_dump_json() for uid in ids]
    run = await engine.pattern_execute({"query": f"what do we know about {query}"})
    return [*told, str(run.model_dump(exclude=NEVER_THE_SAME))]


async def check(engine: Engine, round_: int, ours: Any, theirs: Any, query: str) -> None:
    mine = [(await engine.store_memory(one)).id for one in ours]
    mine = list(dict.fromkeys(mine))
    before = await replies(engine, query, mine)
    other = f"other-{round_}"

    first = await engine.store_memory({**ours[0], "namespace": other})
    assert first.created, "the same text elsewhere is no duplicate"
    assert first.similar_to == ()
    stored = [await engine.store_memory({**one, "namespace": other}) for one in theirs]
    known = {first.id, *(one.id for one in stored)}
    assert all({near.id for near in one.similar_to} <= known for one in stored)
    with pytest.raises(TmwsError):
        await engine.store_memory({"content": "x", "namespace": other, "supersedes": mine[0]})
    forgotten = await engine.forget_memory({"ids": mine, "namespace": other})
    assert set(forgotten.missing) == set(mine)
    assert (await engine.recall_memory({"ids": mine, "namespace": other})).memories == ()
    assert await replies(engine, query, mine) == before
    await engine.forget_memory({"ids": [first.id], "namespace": other})
    assert await replies(engine, query, mine) == before


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(ours=MEMORIES, theirs=MEMORIES, query=SENTENCES)
def test_replies_do_not_change_with_what_another_namespace_holds(
    portal: BlockingPortal, opened: tuple[Engine, list[int]], ours: Any, theirs: Any, query: str
) -> None:
    engine, rounds = opened
    rounds[0] += 1
    portal.call(check, engine, rounds[0], ours, theirs, query)


def test_a_cursor_of_one_namespace_is_none_of_another(
    portal: BlockingPortal, opened: tuple[Engine, list[int]]
) -> None:
    engine, _ = opened
    for number in range(3):
        for namespace in ("mine", "others"):
            portal.call(engine.store_memory, {"content": f"n {number}", "namespace": namespace})
    reply = portal.call(engine.recall_memory, {"limit": 1, "namespace": "mine"})

    with pytest.raises(TmwsError, match="another call"):
        portal.call(
            engine.recall_memory, {"limit": 1, "namespace": "others", "cursor": reply.cursor}
        )
