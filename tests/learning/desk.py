"""A store with the two calls of the learning part, and a clock that the test moves."""

from dataclasses import dataclass
from typing import Any

from tmws_mcp.learning import recommend as advice
from tmws_mcp.learning import sessions
from tmws_mcp.model import ObserveReply, ObserveRequest, RecommendReply, RecommendRequest, Scope
from tmws_mcp.store.database import Database

SCOPE = Scope(namespace="team", source="argument")


@dataclass
class Desk:
    store: Database
    now: float = 1_790_000_000.0
    connection: str = "desktop-1"

    async def observe(self, **arguments: Any) -> ObserveReply:
        self.now += 1
        request = ObserveRequest(**arguments)
        return await self.store.write(
            sessions.observe, request, SCOPE, connection=self.connection, now=self.now
        )

    async def recommend(self, **arguments: Any) -> RecommendReply:
        request = RecommendRequest(**arguments)
        return await self.store.read(
            advice.recommend, request, SCOPE, connection=self.connection, now=self.now
        )

    async def best(self, **arguments: Any) -> Any:
        """Return the action recommended first, None where there is none."""
        found = (await self.recommend(**arguments)).recommendations
        return found[0].action if found else None

    async def rows(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        return await self.store.read(lambda db: db.rows(sql, params))
