"""What one namespace holds does not move what another one answers."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.memory.notebook import Notebook
from tmws_mcp.embedding.embedder import Embedder
from tmws_mcp.store.database import Database

WORDS = st.sampled_from(
    ["port", "server", "disk", "backup", "login", "page", "TKT-00123", "ada", "東京", "deploy"]
)
SENTENCES = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)
MEMORIES = st.lists(st.tuples(SENTENCES, st.sampled_from(["", "t1"])), min_size=1, max_size=6)


async def answers(notes: Notebook, query: str) -> list[object]:
    replies = [
        await notes.recall(query, limit=50),
        await notes.without_vectors().recall(query, limit=50),
        await notes.recall(limit=50),
        await notes.recall(tags=["a"], limit=50),
    ]
    return [
        [(memory.id, memory.score, memory.matched, memory.similar_to) for memory in reply.memories]
        for reply in replies
    ]


async def check(embedder: Embedder, ours: list, theirs: list, query: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Database(Path(folder) / "tmws.db") as store:
            mine = Notebook(store, embedder).within("mine")
            others = Notebook(store, embedder).within("others")
            for content, thread in ours:
                await mine.remember(content, thread=thread, tags=["a"])
            before = await answers(mine, query)
            stored = [
                await others.remember(content, thread=thread, tags=["a"])
                for content, thread in theirs
            ]
            assert await answers(mine, query) == before
            reply = await mine.recall(ids=[one.id for one in stored])
            assert reply.memories == ()
            assert not (await mine.forget(*{one.id for one in stored})).forgotten
            await others.forget(stored[0].id)
            assert await answers(mine, query) == before


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ours=MEMORIES, theirs=MEMORIES, query=SENTENCES)
def test_results_and_scores_do_not_change_with_another_namespace(
    embedder: Embedder, ours: list, theirs: list, query: str
) -> None:
    asyncio.run(check(embedder, ours, theirs, query))
