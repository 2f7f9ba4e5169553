"""A short way to remember and to recall in tests."""

from typing import Any

from tmws_mcp.embedding.embedder import Embedder
from tmws_mcp.memory.lifecycle import forget
from tmws_mcp.memory.recall import recall
from tmws_mcp.memory.remember import remember
from tmws_mcp.memory.search import filling
from tmws_mcp.memory.search.meaning import quantised
from tmws_mcp.model import (
    ForgetReply,
    ForgetRequest,
    RecallReply,
    RecallRequest,
    Scope,
    StoreReply,
    StoreRequest,
)
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection

NOW = 1_700_000_000.0
HOME = Scope(namespace="home", source="default")


class Notebook:
    """Remembers and recalls in a namespace, at times that the test chooses."""

    def __init__(self, store: Database, embedder: Embedder | None, scope: Scope = HOME) -> None:
        self.store, self.embedder, self.scope = store, embedder, scope
        self.now = NOW

    def within(self, namespace: str, *, also: tuple[str, ...] = ()) -> "Notebook":
        scope = Scope(namespace=namespace, source="argument", also=also)
        other = Notebook(self.store, self.embedder, scope)
        other.now = self.now
        return other

    def without_vectors(self) -> "Notebook":
        return Notebook(self.store, None, self.scope)

    async def remember(self, content: str, **arguments: Any) -> StoreReply:
        self.now += 1
        request = StoreRequest(content=content, **arguments)
        return await self.store.write(
            remember, request, self.scope, embedder=self.embedder, now=self.now
        )

    async def recall(self, query: str = "", **arguments: Any) -> RecallReply:
        return await self.ask(RecallRequest(query=query, **arguments))

    async def ask(self, request: RecallRequest) -> RecallReply:
        return await self.store.read(
            recall, request, self.scope, embedder=self.embedder, now=self.now
        )

    async def found(self, query: str = "", **arguments: Any) -> list[str]:
        reply = await self.recall(query, **arguments)
        return [memory.content for memory in reply.memories]

    async def forget(self, *ids: str, **arguments: Any) -> ForgetReply:
        self.now += 1
        request = ForgetRequest(ids=ids, **arguments)
        return await self.store.write(
            forget, request, self.scope, embedder=self.embedder, now=self.now
        )

    async def fill(self, limit: int = 100) -> int:
        """Make missing vectors, as the background does; return how many were made."""
        assert self.embedder is not None
        waiting = await self.store.read(filling.waiting, self.embedder.id, limit)
        rows = quantised(self.embedder.encode([one.text for one in waiting]))
        done = await self.store.write(filling.fill, self.embedder, waiting, rows)
        if not waiting:
            await self.store.write(filling.finish, self.embedder.id)
        return done

    async def any_vector_missing(self) -> bool:
        assert self.embedder is not None
        return await self.store.read(filling.any_left, self.embedder.id)

    async def rows(self, sql: str, *params: object) -> list[Any]:
        def run(db: Connection) -> list[Any]:
            return db.rows(sql, params)

        return await self.store.read(run)
