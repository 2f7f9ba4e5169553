"""A store with the two calls of the learning part, and a clock that the test moves."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tmws_mcp.learning import recommend as advice
from tmws_mcp.learning import sessions
from tmws_mcp.model import ObserveReply, ObserveRequest, RecommendReply, RecommendRequest, Scope
from tmws_mcp.store import driver, migrations
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection

NOW = 1_790_000_000.0
SCOPE = Scope(namespace="team", source="argument")


@dataclass
class Desk:
    store: Database
    now: float = NOW
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


@contextmanager
def opened(folder: Path) -> Iterator[Connection]:
    """A fresh store without its event loop, for laws that are tried a hundred times."""
    path = folder / "tmws.db"
    path.touch()
    db = driver.connect(path)
    driver.for_writing(db, "normal")
    try:
        migrations.migrate(db, path)
        yield db
    finally:
        db.close()


@contextmanager
def temporary() -> Iterator[Connection]:
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as db:
        yield db


def observed(db: Connection, now: float = NOW, **arguments: Any) -> ObserveReply:
    return sessions.observe(db, ObserveRequest(**arguments), SCOPE, connection="c", now=now)


def advised(
    db: Connection, now: float = NOW, scope: str = "team", **arguments: Any
) -> RecommendReply:
    return advice.recommend(
        db,
        RecommendRequest(**arguments),
        Scope(namespace=scope, source="argument"),
        connection="c",
        now=now,
    )


def counts(db: Connection) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return all that was counted about the world; credits are about our own forecasts."""
    contexts = db.rows(
        "SELECT kind, key, action, n FROM context "
        "WHERE kind NOT IN ('trust', 'calibration') ORDER BY 1, 2, 3"
    )
    outcomes = db.rows(
        "SELECT kind, key, action, n, ok, tokens, durations FROM outcome ORDER BY 1, 2, 3"
    )
    return contexts, outcomes
