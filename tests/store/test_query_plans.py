"""No hot statement reads a whole table."""

from collections.abc import Callable
from typing import Any

import pytest

from tmws_mcp.embedding.embedder import load_embedder
from tmws_mcp.memory.lifecycle import any_unembedded, embed_missing, forget, purge
from tmws_mcp.memory.recall import recall
from tmws_mcp.memory.remember import remember
from tmws_mcp.model import ForgetRequest, RecallRequest, Scope, StoreRequest
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection, Params

pytestmark = pytest.mark.anyio

SCOPE = Scope(namespace="home", source="default", also=("user",))
NOW = 1_700_000_000.0
# Bounded to a handful or to NAMESPACES_MAX rows.
SMALL = (
    "vector_space", "namespace", "pragma_module_list", "json_each", "chain", "wanted", "e", "l",
    "c", "near", "(subquery-1)",
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
        RecallRequest(),
        RecallRequest(ids=tuple(uids)),
    ):
        assert await watched(store, recall, request, SCOPE, **tools) == []
    forgetting = ForgetRequest(ids=(uids[3], uids[7]))
    assert await watched(store, forget, forgetting, SCOPE, **tools) == []
    undo = ForgetRequest(undo=(uids[3],))
    assert await watched(store, forget, undo, SCOPE, **tools) == []
    assert await watched(store, purge, NOW + 10**7) == []
    assert await watched(store, any_unembedded) == []
    assert await watched(store, embed_missing, embedder, 10) == []
