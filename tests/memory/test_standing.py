"""An answer stands for as long as nothing that was written belongs into it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tmws_mcp.embedding.embedder import Embedder, load_embedder
from tmws_mcp.memory import standing
from tmws_mcp.memory.lifecycle import forget
from tmws_mcp.memory.recall import recall
from tmws_mcp.memory.remember import remember
from tmws_mcp.model import ForgetRequest, RecallRequest, Scope, StoreRequest
from tmws_mcp.model.memory import FocusedRequest
from tmws_mcp.store import changes, namespaces
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.schema import s0007_changes

pytestmark = pytest.mark.anyio

SCOPE = Scope(namespace="home", source="default", also=("user",))
NOW = 1_700_000_000.0
PORTS = "which port does the staging gateway listen on"
PLANTS = tuple(
    f"{plant} wants {water} and stands in the {room}"
    for plant in ("The fern", "The ivy", "The cactus", "The palm", "The orchid", "The aloe")
    for water in ("much water", "a little water")
    for room in ("kitchen", "hall", "bath")
)


@dataclass
class Kept:
    """A recall that was answered, and how far the store was written by then."""

    store: Database
    embedder: Embedder
    showed: standing.Showed
    after: int

    async def stands(self, now: float = NOW) -> bool:
        return await self.store.read(
            standing.stands, self.showed, self.after, SCOPE, embedder=self.embedder, now=now
        )

    async def remember(self, content: str, **more: object) -> str:
        request = StoreRequest.model_validate({"content": content} | more)
        reply = await self.store.write(remember, request, SCOPE, embedder=self.embedder, now=NOW)
        return reply.id

    async def forget(self, uid: str) -> None:
        asked = ForgetRequest.model_validate({"ids": [uid]})
        await self.store.write(forget, asked, SCOPE, embedder=self.embedder, now=NOW)

    async def ask(self, query: str, **more: object) -> None:
        request = FocusedRequest.model_validate({"query": query, "limit": 3} | more)
        reply = await self.store.read(recall, request, SCOPE, embedder=self.embedder, now=NOW)
        self.showed, self.after = standing.showed(request, reply), await self.store.read(_newest)


def _newest(db: Connection) -> int:
    spaces = (namespaces.find(db, name) for name in ("home", "user"))
    return changes.newest(db, [ns for ns in spaces if ns is not None])


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    found = load_embedder("static")
    assert found is not None
    return found


@pytest.fixture
async def kept(tmp_path: Path, embedder: Embedder) -> AsyncIterator[Kept]:
    async with Database(tmp_path / "tmws.db") as store:
        nothing = standing.Showed(RecallRequest(query=PORTS), frozenset(), full=False)
        kept = Kept(store, embedder, nothing, 0)
        for text in PLANTS:
            await kept.remember(text)
        for name in ("staging", "production", "test", "demo"):
            for part in ("gateway", "database"):
                await kept.remember(f"The {name} {part} listens on port {len(name) * 1000}")
        await kept.ask(PORTS)
        yield kept


async def test_an_answer_stands_while_nothing_is_written(kept: Kept) -> None:
    assert kept.showed.ids
    assert kept.showed.full
    assert await kept.stands()


async def test_an_answer_stands_when_something_else_is_written(kept: Kept) -> None:
    await kept.remember("The bonsai wants light and stands on the desk")

    assert await kept.stands()


async def test_an_answer_falls_when_what_belongs_into_it_is_written(kept: Kept) -> None:
    await kept.remember("The staging gateway listens on port 8931 now")

    assert not await kept.stands()


async def test_what_says_as_much_and_is_ranked_behind_moves_nothing(kept: Kept) -> None:
    """Its words alone would bring it in; its meaning and its length do not."""
    await kept.remember(
        "A poem of the sea, the hills and the birds of the wide evening sky, in which the words "
        "gateway, listens, port and staging come up and are sung by a choir of old sailors"
    )

    assert await kept.stands()


async def test_a_focused_answer_falls_when_something_is_near_its_best(kept: Kept) -> None:
    await kept.ask("the staging gateway", focus=0.9)
    assert kept.showed.focused
    assert len(kept.showed.ids) < 3
    await kept.remember("The bonsai wants light and stands on the desk")
    assert await kept.stands()

    await kept.remember("The staging gateway has moved")
    assert not await kept.stands()


async def test_an_answer_falls_when_what_it_shows_is_forgotten(kept: Kept) -> None:
    await kept.forget(min(kept.showed.ids))

    assert not await kept.stands()


async def test_an_answer_falls_when_what_it_shows_is_replaced(kept: Kept) -> None:
    await kept.remember("The fern has died", supersedes=min(kept.showed.ids))

    assert not await kept.stands()


async def test_an_answer_falls_when_what_it_shows_gets_a_tag(kept: Kept) -> None:
    await kept.remember("The staging gateway listens on port 7000", tags=["checked"])

    assert not await kept.stands()


async def test_an_answer_stands_when_what_it_does_not_show_is_forgotten(kept: Kept) -> None:
    other = await kept.remember("The bonsai wants light and stands on the desk")
    await kept.ask(PORTS)
    await kept.forget(other)

    assert await kept.stands()


async def test_an_answer_with_room_falls_at_the_first_word_that_is_asked_for(kept: Kept) -> None:
    await kept.ask("bonsai")
    assert not kept.showed.full
    await kept.remember("The bonsai wants light and stands on the desk")

    assert not await kept.stands()


async def test_an_answer_falls_when_a_turn_is_said_in_a_thread(kept: Kept) -> None:
    """What stands beside a turn counts for it, so that its own words do not decide."""
    await kept.remember("The bonsai wants light", thread="plants")

    assert not await kept.stands()


async def test_a_list_of_the_newest_falls_with_each_write(kept: Kept) -> None:
    await kept.ask("")
    await kept.remember("The bonsai wants light and stands on the desk")

    assert not await kept.stands()


async def test_what_the_filters_leave_out_moves_nothing(kept: Kept) -> None:
    await kept.ask(PORTS, tags=["agreed"])
    await kept.remember("The staging gateway listens on port 8931 now")
    assert await kept.stands()

    await kept.remember("The staging gateway listens on port 8932 now", tags=["agreed"])
    assert not await kept.stands()


async def test_an_answer_falls_when_an_identifier_in_the_query_is_written(kept: Kept) -> None:
    await kept.ask("TKT-4711 port listens gateway")
    await kept.remember("Nobody knows what became of TKT-4711 in spring")

    assert not await kept.stands()


async def test_another_namespace_moves_nothing(kept: Kept) -> None:
    elsewhere = Scope(namespace="elsewhere", source="argument")
    request = StoreRequest(content="The staging gateway listens on port 8931 now")
    await kept.store.write(remember, request, elsewhere, embedder=kept.embedder, now=NOW)

    assert await kept.stands()


async def test_whoever_is_too_far_behind_is_made_anew(kept: Kept) -> None:
    """Only the newest changes are kept, and an answer from before them proves nothing."""

    def many(db: Connection) -> None:
        ns = namespaces.find(db, "home")
        rows = ((ns, 10**9) for _ in range(s0007_changes.KEPT + s0007_changes.DROPPED_AT_ONCE))
        db.run_many("INSERT INTO memory_change(ns, memory) VALUES (?, ?)", rows)

    await kept.store.write(many)
    held = await kept.store.read(lambda db: db.row("SELECT count(*) FROM memory_change"))

    assert held is not None
    assert held[0] < s0007_changes.KEPT + s0007_changes.DROPPED_AT_ONCE
    assert not await kept.stands()


async def test_an_answer_falls_when_the_namespace_has_grown_much(kept: Kept) -> None:
    """How rare words are is another matter then, and with it the order."""
    for number in range(len(PLANTS)):
        await kept.remember(f"The bonsai number {number} wants light and stands on the desk")

    assert not await kept.stands()


async def test_a_dated_memory_fells_the_answer_to_a_query_that_names_a_time(kept: Kept) -> None:
    await kept.ask(f"{PORTS} since May 2023")
    await kept.remember("The bonsai wants light and stands on the desk")
    assert await kept.stands()

    await kept.remember("The palm was watered", occurred_at="2023-05-08T12:00:00Z")
    assert not await kept.stands()
