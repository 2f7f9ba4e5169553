"""No hot statement reads a whole table."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from tmws_mcp.embedding.embedder import Embedder, load_embedder
from tmws_mcp.memory.lifecycle import forget, purge
from tmws_mcp.memory.recall import recall
from tmws_mcp.memory.remember import remember
from tmws_mcp.memory.search import filling, index
from tmws_mcp.memory.search.meaning import quantised
from tmws_mcp.memory.upkeep import consolidate, expiry
from tmws_mcp.model import ForgetRequest, RecallRequest, Scope, StoreRequest
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection, Params
from tmws_mcp.store.memories import newest
from tmws_mcp.store.selection import Filter

pytestmark = pytest.mark.anyio

SCOPE = Scope(namespace="home", source="default", also=("user",))
NOW = 1_700_000_000.0
# Bounded to a handful or to NAMESPACES_MAX rows.
SMALL = (
    "vector_space", "namespace", "pragma_module_list", "json_each", "chain", "wanted", "e", "l",
    "c", "b", "near", "(subquery-1)", "d", "u", "up", "down",
)  # fmt: skip


class Watched:
    """A connection that keeps every plan in which a table is read from end to end."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self.scans: list[tuple[str, str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def rows(self, sql: str, params: Params = ()) -> list[Any]:
        self._look(sql, params)
        return self._db.rows(sql, params)

    def row(self, sql: str, params: Params = ()) -> Any:
        self._look(sql, params)
        return self._db.row(sql, params)

    def run(self, sql: str, params: Params = ()) -> int:
        self._look(sql, params)
        return self._db.run(sql, params)

    def _look(self, sql: str, params: Params) -> None:
        if sql.split(maxsplit=1)[0] not in ("SELECT", "UPDATE", "DELETE", "WITH"):
            return
        for *_, step in self._db.rows(f"EXPLAIN QUERY PLAN {sql}", params):
            words = step.split()
            if words[0] != "SCAN" or "CONSTANT" in words:
                continue
            if words[-1] == "memory_stale":  # holds nothing, or what is about to be cleared away
                continue
            if "VIRTUAL" not in words and words[1] not in SMALL:
                self.scans.append((step, sql))
            # sqlite-vec's plan for reading all vectors; FTS5's without MATCH ends in a bare colon.
            if "VIRTUAL" in words and words[1] not in SMALL and words[-1] in ("0:", "0:1"):
                self.scans.append((step, sql))


async def watched(store: Database, work: Callable[..., object], *args: Any, **kw: Any) -> list:
    def run(db: Connection) -> list[tuple[str, str]]:
        eye = Watched(db)
        work(eye, *args, **kw)
        return eye.scans

    return await store.write(run)


async def test_no_statement_of_the_memory_reads_a_whole_table(store: Database) -> None:
    embedder = load_embedder("static")
    uids = []
    for i in range(20):
        request = StoreRequest(content=f"deploy number {i} of TKT-0012{i}", thread="t", tags=("a",))
        reply = await store.write(remember, request, SCOPE, embedder=embedder, now=NOW + i)
        uids.append(reply.id)
    tools = {"embedder": embedder, "now": NOW + 100}
    store_again = StoreRequest(content="deploy on Friday", thread="t", supersedes=uids[0])

    assert await watched(store, remember, store_again, SCOPE, **tools) == []
    for request in (
        RecallRequest(query="deploy TKT-00123"),
        RecallRequest(query="deploy", tags=("a",), thread="t", speaker="x", since="2020-01-01"),
        RecallRequest(tags=("a",), persona="p"),
        RecallRequest(tags_any=("a", "b"), tags_none=("c",), min_importance=0.5),
        RecallRequest(query="deploy", tags_any=("a",), tags_none=("c",), min_importance=0.5),
        RecallRequest(kinds=("episodic",), thread="t", since="2020-01-01", until="2030-01-01"),
        RecallRequest(),
        RecallRequest(ids=tuple(uids)),
    ):
        assert await watched(store, recall, request, SCOPE, **tools) == []
    forgetting = ForgetRequest(ids=(uids[3], uids[7]))
    assert await watched(store, forget, forgetting, SCOPE, **tools) == []
    undo = ForgetRequest(undo=(uids[3],))
    assert await watched(store, forget, undo, SCOPE, **tools) == []
    assert await watched(store, purge, NOW + 10**7) == []
    for work, *args in (
        (consolidate.retire, {"episodic": 30, "semantic": 9}, NOW + 10**7),
        (consolidate.batches, SCOPE),
        (expiry.expired, SCOPE, NOW + 10**7, 10),
    ):
        assert await watched(store, work, *args) == []
    [batch] = await store.read(consolidate.batches, SCOPE)
    assert await watched(store, consolidate.bring_back, batch.id, SCOPE, **tools) == []
    assert await watched(store, filling.any_left, embedder.id) == []
    assert await watched(store, _slice, embedder) == []
    assert await watched(store, filling.finish, embedder.id) == []
    assert await watched(store, index.fill, 10) == []


@pytest.mark.parametrize(
    ("chosen", "step"),
    [
        (Filter(now=NOW), "USING INDEX memory_newest (ns=?)"),
        (Filter(now=NOW, thread="t"), "USING INDEX memory_in_thread (thread=?)"),
        (Filter(now=NOW, tags=("a",)), "h USING PRIMARY KEY (ns=? AND tag=?)"),
        (Filter(now=NOW, tags_any=("a",)), "h USING PRIMARY KEY (ns=? AND tag=?)"),
        (Filter(now=NOW, tags_none=("a",)), "h USING PRIMARY KEY (ns=? AND tag=?)"),
    ],
)
async def test_the_newest_under_a_filter_are_read_from_an_index(
    store: Database, chosen: Filter, step: str
) -> None:
    def run(db: Connection) -> list[str]:
        sql: list[str] = []

        class Seen:
            def rows(self, text: str, params: Params = ()) -> list[Any]:
                sql.extend(row[-1] for row in db.rows(f"EXPLAIN QUERY PLAN {text}", params))
                return []

        newest(cast("Connection", Seen()), 1, chosen, None, 5)
        return sql

    plan = await store.read(run)

    assert any(step in line for line in plan), plan
    assert not any(line.startswith("SCAN m") for line in plan)


def _slice(db: Connection, embedder: Embedder) -> None:
    waiting = filling.waiting(db, "another", 5)
    rows = quantised(embedder.encode([one.text for one in waiting]))
    assert filling.fill(db, embedder, waiting, rows) == 5
