"""Storing many at once says and leaves the same as storing one after the other."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.memory.notebook import NOW, Notebook
from tmws_mcp.memory import remember as remembering
from tmws_mcp.memory.remember import Told, remember_many
from tmws_mcp.model import StoreReply, StoreRequest
from tmws_mcp.store.driver import Connection

pytestmark = pytest.mark.anyio

TEXTS = (
    "The staging database listens on port 5432 behind the proxy",
    "The staging database listens on port 5432 behind a proxy",
    "The staging database listens on port 5433 behind the proxy",
    "Lunch is at noon",
    "Ana prefers tabs",
)
REQUEST = st.builds(
    dict,
    content=st.sampled_from(TEXTS),
    tags=st.sampled_from([(), ("decision",), ("decision", "port")]),
    thread=st.sampled_from(["", "talk"]),
)


def left(db: Connection, namespace: str) -> list[tuple[Any, ...]]:
    """Return what a namespace holds, without the ids that are drawn."""
    return db.rows(
        "SELECT m.content, m.thread_position, s.length, s.terms, s.counts, "
        "(SELECT group_concat(tag) FROM (SELECT tag FROM memory_tag WHERE memory = m.id "
        "ORDER BY tag)), (SELECT count(*) FROM memory_similar x WHERE x.memory = m.id), "
        "(SELECT count(*) FROM fingerprint f WHERE f.memory = m.id), v.vector "
        "FROM memory m JOIN memory_search s ON s.memory = m.id "
        "JOIN memory_vector v ON v.memory = m.id JOIN namespace n ON n.id = m.ns "
        "WHERE n.name = ? ORDER BY m.id",
        (namespace,),
    )


async def at_once(notes: Notebook, requests: Sequence[StoreRequest]) -> list[StoreReply]:
    told = [(request, Told(now=NOW)) for request in requests]
    return await notes.store.write(remember_many, told, notes.scope, embedder=notes.embedder)


def said(replies: Sequence[StoreReply]) -> list[tuple[Any, ...]]:
    """Return replies with places instead of ids."""
    places: dict[str, int] = {}
    for place, reply in enumerate(replies):
        places.setdefault(reply.id, place)
    return [
        (r.created, places[r.id], sorted((places[s.id], s.similarity) for s in r.similar_to))
        for r in replies
    ]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(requests=st.lists(REQUEST, max_size=7))
async def test_many_at_once_are_stored_as_one_by_one(
    notes: Notebook, requests: list[dict[str, Any]]
) -> None:
    one, other = (notes.within(f"{name}-{uuid4().hex}") for name in ("one", "other"))

    singly = [await one.remember(**request) for request in requests]
    together = await at_once(other, [StoreRequest(**request) for request in requests])

    assert said(together) == said(singly)
    kept = [await notes.store.read(left, its.scope.namespace) for its in (one, other)]
    assert kept[0] == kept[1]


async def test_a_tag_that_a_repeat_adds_is_found_though_both_came_together(
    notes: Notebook,
) -> None:
    await at_once(
        notes, [StoreRequest(content=TEXTS[3]), StoreRequest(content=TEXTS[3], tags=("food",))]
    )

    assert await notes.found("food") == [TEXTS[3]]
    assert await notes.found("noon", tags=["food"]) == [TEXTS[3]]


async def test_near_duplicates_within_one_call_are_linked(notes: Notebook) -> None:
    first, second, other = await at_once(notes, [StoreRequest(content=text) for text in TEXTS[:3]])

    assert [one.id for one in second.similar_to] == [first.id]
    assert other.similar_to == ()


async def test_a_memory_may_supersede_one_of_the_same_call(notes: Notebook) -> None:
    first = await notes.remember(TEXTS[0])
    requests = [
        StoreRequest(content=TEXTS[3]),
        StoreRequest(content=TEXTS[2], supersedes=first.id),
        StoreRequest(content=TEXTS[0]),
    ]

    noon, newer, again = await at_once(notes, requests)

    assert (noon.created, newer.created, again.created) == (True, True, True)
    assert again.id != first.id


async def test_more_than_one_part_is_stored_whole(
    notes: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "STORED_AT_ONCE", 2)

    replies = await at_once(
        notes, [StoreRequest(content=f"Fact number {n} stands") for n in range(5)]
    )

    assert len({reply.id for reply in replies}) == 5
    assert len(await notes.found(limit=50)) == 5
