"""Laws of export and import: whatever was stored, the bytes come back, however often it is done."""

import tempfile
from io import StringIO
from pathlib import Path

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tmws_mcp.errors import InvalidInput
from tmws_mcp.memory.lifecycle import forget
from tmws_mcp.memory.remember import remember
from tmws_mcp.memory.transfer.arriving import link_back, put_back
from tmws_mcp.memory.transfer.formats import entries
from tmws_mcp.memory.transfer.leaving import export
from tmws_mcp.model import ForgetRequest, Scope, StoreRequest
from tmws_mcp.model.transfer import Kept
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection

NOW = 1_700_000_000.0625

TEXT = st.text(min_size=1, max_size=30).filter(lambda text: text.strip() and "\0" not in text)
NAME = st.text(max_size=8).filter(lambda text: "\0" not in text)
MEMORY = st.fixed_dictionaries(
    {
        "content": TEXT,
        "tags": st.lists(NAME, max_size=3),
        "kind": st.sampled_from(["semantic", "episodic"]),
        "importance": st.floats(0, 1),
        "speaker": NAME,
        "thread": st.sampled_from(["", "t", "u"]),
        "trust": st.sampled_from(["user", "agent", "tool"]),
        "occurred_at": st.none() | st.datetimes(),
    }
)
# What happens to each memory: nothing, it replaces the one before, or it is forgotten.
STORY = st.lists(st.tuples(MEMORY, st.sampled_from(["", "replaces", "forgotten"])), max_size=6)


def tell(db: Connection, story: list) -> None:
    scope, last = Scope(namespace="home", source="default"), ""
    for i, (fields, what) in enumerate(story):
        try:
            request = StoreRequest(**fields, supersedes=last if what == "replaces" else "")
            reply = remember(db, request, scope, embedder=None, now=NOW + i / 3)
        except (ValidationError, InvalidInput):  # half a surrogate pair; blank; replaced before
            continue
        last = reply.id
        if what == "forgotten":
            forgetting = ForgetRequest(ids=(reply.id,))
            forget(db, forgetting, scope, embedder=None, now=NOW + i)
            last = ""


def exported(db: Connection) -> str:
    out = StringIO()
    export(db, out.write, forgotten=True)
    return out.getvalue()


def arrive(db: Connection, text: str) -> None:
    _, found = entries(StringIO(text))
    memories = [entry.memory for entry in found if isinstance(entry.memory, Kept)]
    assert len(memories) == text.count("\n") - 1
    for work in (put_back, link_back):
        work(db, memories, embedder=None, now=NOW + 99, renamed={})


@settings(max_examples=40, deadline=None)
@given(STORY)
def test_export_import_export_gives_the_same_bytes_whatever_was_stored(story: list) -> None:
    anyio.run(_round_trip, story)


async def _round_trip(story: list) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder) / "a.db", Path(folder) / "b.db"
        async with Database(first) as one, Database(second) as other:
            await one.write(tell, story)
            text = await one.read(exported)
            for _ in range(2):
                await other.write(arrive, text)
                assert await other.read(exported) == text
