"""What the settings allow is stored and no more; what grew old is archived, never deleted."""

from pathlib import Path

import pytest

from tmws_mcp.engine import open_engine
from tmws_mcp.engine.maintenance import Retention, one_round
from tmws_mcp.errors import QuotaReached
from tmws_mcp.memory.recall import recall
from tmws_mcp.memory.remember import remember
from tmws_mcp.memory.upkeep import consolidate
from tmws_mcp.model import RecallRequest, Scope, StoreRequest
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database

pytestmark = pytest.mark.anyio

DAY = 86_400.0
SCOPE = Scope(namespace="here", source="argument")


@pytest.fixture
def limited(tmp_path: Path) -> Settings:
    environ = {
        "HOME": str(tmp_path),
        "TMWS_HOME": str(tmp_path / "home"),
        "TMWS_NAMESPACE": "here",
        "TMWS_EMBEDDER": "none",
        "TMWS_MEMORIES_MAX": "2",
    }
    return Settings.load(environ, cwd=tmp_path)


async def test_a_full_namespace_says_what_to_do_and_keeps_what_it_has(limited: Settings) -> None:
    async with open_engine(limited) as engine:
        first = await engine.store_memory({"content": "one"})
        await engine.store_memory({"content": "two"})

        with pytest.raises(QuotaReached, match="TMWS_MEMORIES_MAX allows"):
            await engine.store_memory({"content": "three"})

        assert (await engine.store_memory({"content": "one"})).duplicate_of == first.id
        assert (await engine.store_memory({"content": "uno", "supersedes": first.id})).created
        assert (await engine.store_memory({"content": "x", "namespace": "other"})).created
        assert (await engine.status()).used == ("2 of 2 memories in here",)


async def test_a_store_that_is_large_enough_takes_nothing_new(limited: Settings) -> None:
    small = limited.model_copy(update={"memories_max": 0, "store_bytes_max": 1})
    async with open_engine(small) as engine:
        with pytest.raises(QuotaReached, match="TMWS_STORE_BYTES_MAX allows 1"):
            await engine.store_memory({"content": "one"})


async def test_an_import_stops_at_the_limit_and_goes_on_when_it_is_raised(
    limited: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "memories.jsonl"
    file.write_text("\n".join(f'{{"content": "fact {i}"}}' for i in range(5)))
    async with open_engine(limited) as engine:
        with pytest.raises(QuotaReached):
            await engine.keeping.import_file(file)

    async with open_engine(limited.model_copy(update={"memories_max": 9})) as engine:
        assert (await engine.keeping.import_file(file)).created == 5


async def test_what_is_older_than_its_kind_is_kept_is_archived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consolidate, "SLICE", 2)
    async with Database(tmp_path / "tmws.db") as store:
        for i in range(5):
            old = StoreRequest(content=f"turn {i}", kind="episodic")
            await store.write(remember, old, SCOPE, embedder=None, now=0.0)
        fact = StoreRequest(content="a fact")
        await store.write(remember, fact, SCOPE, embedder=None, now=0.0)
        young = StoreRequest(content="turn today", kind="episodic")
        await store.write(remember, young, SCOPE, embedder=None, now=99 * DAY)

        await one_round(store, now=100 * DAY, retention=Retention(memory_days={"episodic": 30}))

        listed = await store.read(recall, RecallRequest(), SCOPE, embedder=None, now=100 * DAY)
        [batch] = await store.read(consolidate.batches, SCOPE)
        assert [memory.content for memory in listed.memories] == ["turn today", "a fact"]
        assert batch.reasons == {"retired": 5}
        back = [
            await store.write(consolidate.bring_back, batch.id, SCOPE, embedder=None, now=100 * DAY)
            for _ in range(3)
        ]
        assert back == [(2, 3), (2, 1), (1, 0)]
