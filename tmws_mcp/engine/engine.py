"""What the product does: one method for each tool.

The packages of the domain meet here and pass values. Store, embedder and catalogue are opened on
first use; each call is one synchronous function on a worker thread, in one transaction. Nothing
that was learned or answered is kept without the generation number that it was read under.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.abc
import anyio.to_thread
from pydantic import JsonValue

from tmws_mcp.actions.registry import Action, Workspace
from tmws_mcp.engine import report
from tmws_mcp.engine.answering import Answering
from tmws_mcp.engine.maintenance import maintain
from tmws_mcp.engine.once import Once
from tmws_mcp.errors import EmbedderUnavailable, StoreMoved
from tmws_mcp.learning import learned, sessions
from tmws_mcp.learning import recommend as recommending
from tmws_mcp.learning.view import Shelf
from tmws_mcp.masking import mask_secrets
from tmws_mcp.memory import lifecycle, lookup
from tmws_mcp.memory import recall as recalling
from tmws_mcp.memory import remember as remembering
from tmws_mcp.model import (
    ExecuteReply,
    ExecuteRequest,
    ForgetReply,
    ForgetRequest,
    LearnedPattern,
    Memory,
    ObserveReply,
    ObserveRequest,
    PatternSummary,
    RecallReply,
    RecallRequest,
    RecommendReply,
    RecommendRequest,
    RegisterReply,
    RegisterRequest,
    Statistics,
    Status,
    StoreReply,
    StoreRequest,
)
from tmws_mcp.model.problems import validated
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database
from tmws_mcp.telemetry import get_logger

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder
    from tmws_mcp.patterns.run import Parts

COMPLETIONS_MAX = 50

log = get_logger("engine")


class Engine:
    """The product, opened with `open_engine`.

    A method takes its request, or a mapping with the same fields. What goes wrong is a TmwsError
    whose message says what to do.
    """

    def __init__(
        self,
        settings: Settings,
        tasks: anyio.abc.TaskGroup,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.embedder_problem = ""
        """Why words alone answer, where they do."""
        self._clock = clock
        self._started_at = clock()
        self._tasks = tasks
        self._file: tuple[int, int] | None = None
        """Which file the open store is: device and inode."""
        self._shelf = Shelf()
        self._opened = Once(self._open_store)
        self._embedder = Once(self._load_embedder)
        self._answering = Answering(
            settings,
            store=self._store,
            parts=self._parts,
            actions={"status.health": self._health, "statistics.all": self._figures},
        )

    async def store_memory(self, request: StoreRequest | Mapping[str, Any]) -> StoreReply:
        """Remember something; an exact duplicate answers with the id of the first."""
        asked = validated(StoreRequest, request)
        if not asked.persona and self.settings.persona:
            asked = asked.model_copy(update={"persona": self.settings.persona})
        if self.settings.mask_secrets:
            asked = asked.model_copy(update={"content": mask_secrets(asked.content)})
        store, embedder = await self._store(), await self._embedder()
        scope = self.settings.scope(asked.namespace)
        return await store.write(
            remembering.remember, asked, scope, embedder=embedder, now=self._clock()
        )

    async def recall_memory(self, request: RecallRequest | Mapping[str, Any]) -> RecallReply:
        """Find what answers a query, within a token budget."""
        asked = validated(RecallRequest, request)
        store, embedder = await self._store(), await self._embedder()
        scope = self.settings.scope(asked.namespace)
        return await store.read(
            recalling.recall, asked, scope, embedder=embedder, now=self._clock()
        )

    async def forget_memory(self, request: ForgetRequest | Mapping[str, Any]) -> ForgetReply:
        """Forget, or bring back what was forgotten lately."""
        asked = validated(ForgetRequest, request)
        store, embedder = await self._store(), await self._embedder()
        scope = self.settings.scope(asked.namespace)
        return await store.write(
            lifecycle.forget, asked, scope, embedder=embedder, now=self._clock()
        )

    async def pattern_execute(self, request: ExecuteRequest | Mapping[str, Any]) -> ExecuteReply:
        """Answer a query by the cheapest way that will do."""
        return await self._answering.execute(validated(ExecuteRequest, request))

    async def register_pattern(self, request: RegisterRequest | Mapping[str, Any]) -> RegisterReply:
        """Save an authored pattern given as an object."""
        return await self._answering.register(validated(RegisterRequest, request))

    async def observe_interaction(
        self, request: ObserveRequest | Mapping[str, Any], *, connection: str = ""
    ) -> ObserveReply:
        """Record what happened; it is durable when this returns.

        `connection` names the implicit session of steps without a `session_id`.
        """
        asked = validated(ObserveRequest, request)
        store, scope = await self._store(), self.settings.scope(asked.namespace)
        reply = await store.write(
            sessions.observe,
            asked,
            scope,
            connection=connection,
            now=self._clock(),
            shelf=self._shelf,
        )
        self._shelf.confirm()
        return reply

    async def get_recommendations(
        self, request: RecommendRequest | Mapping[str, Any], *, connection: str = ""
    ) -> RecommendReply:
        """Say what has proved itself in a case like this, or why nothing can be said."""
        asked = validated(RecommendRequest, request)
        store, scope = await self._store(), self.settings.scope(asked.namespace)
        return await store.read(
            recommending.recommend,
            asked,
            scope,
            connection=connection,
            now=self._clock(),
            shelf=self._shelf,
        )

    async def end_connection(self, connection: str) -> None:
        """Close the implicit session of a connection, if the store was used at all."""
        if store := self._opened.opened:
            await store.write(sessions.end_connection, connection, self._clock())

    async def memory(self, uid: str) -> Memory:
        """Return a memory of the default scope in full, with its links."""
        store = await self._store()
        return await store.read(recalling.memory_by_id, uid, self.settings.scope())

    async def patterns(self) -> tuple[PatternSummary, ...]:
        """Return the authored patterns, in the order of their ids."""
        return await self._answering.summaries()

    async def pattern(self, name: str) -> PatternSummary:
        """Return one authored pattern."""
        return await self._answering.summary(name)

    async def learned(self, limit: int = 50) -> tuple[LearnedPattern, ...]:
        """Return the learned patterns of the default scope, the newest first."""
        store = await self._store()
        return await store.read(learned.learned_patterns, self.settings.scope(), limit=limit)

    async def learned_pattern(self, name: str) -> LearnedPattern:
        """Return one learned pattern."""
        store = await self._store()
        return await store.read(learned.learned_pattern, name, self.settings.scope())

    async def status(self) -> Status:
        """Say whether this server can do its work, and in which tier."""
        embedder = await self._embedder()
        return await report.status(
            self.settings,
            store=self._store,
            embedder=embedder.id if embedder else None,
            problems=(self.embedder_problem, *await self._answering.problems()),
            patterns=len(await self.patterns()),
            uptime_seconds=self._clock() - self._started_at,
        )

    async def statistics(self) -> Statistics:
        """Say how much is stored and learned in the default scope."""
        scope = self.settings.scope()
        return await report.statistics(await self._store(), scope, self._answering.figures())

    async def complete(self, kind: str, prefix: str) -> tuple[str, ...]:
        """Return known values that begin with a prefix: memory, tag, persona, pattern, learned."""
        if kind == "pattern":
            names = (pattern.id for pattern in await self.patterns())
            return tuple(name for name in names if name.startswith(prefix))[:COMPLETIONS_MAX]
        if kind == "learned":
            names = (pattern.pattern_id for pattern in await self.learned(COMPLETIONS_MAX * 4))
            return tuple(name for name in names if name.startswith(prefix))[:COMPLETIONS_MAX]
        known = {
            "memory": lookup.known_ids, "tag": lookup.known_tags, "persona": lookup.known_personas,
        }  # fmt: skip
        if kind not in known:
            return ()
        store = await self._store()
        return await store.read(known[kind], self.settings.scope(), prefix, COMPLETIONS_MAX)

    async def close(self) -> None:
        """Close the store; `open_engine` does it."""
        if store := self._opened.opened:
            await store.__aexit__(None, None, None)

    def _parts(self, actions: Mapping[str, Action]) -> "Parts":
        from tmws_mcp.patterns.run import Parts  # noqa: PLC0415 - with the first query

        folder = self.settings.workspace or self.settings.project
        return Parts(
            recall=self.recall_memory,
            remember=self.store_memory,
            recommend=self.get_recommendations,
            actions=actions,
            workspace=Workspace(folder),
        )

    async def _health(self) -> JsonValue:
        return (await self.status()).model_dump(mode="json", exclude={"scope"}, exclude_none=True)

    async def _figures(self) -> JsonValue:
        return (await self.statistics()).model_dump(mode="json", exclude={"scope"})

    async def _store(self) -> Database:
        """Return the store, as long as its file is the one that was opened.

        Of a file that was removed or replaced, what is written would be lost without an error.
        """
        store = await self._opened()
        if _file_at(store.path) != self._file:
            raise StoreMoved(store.path)
        return store

    async def _open_store(self) -> Database:
        store = Database(self.settings.db, durability=self.settings.durability)
        await store.__aenter__()
        self._file = _file_at(store.path)
        self._tasks.start_soon(partial(maintain, store, self._embedder, clock=self._clock))
        return store

    async def _load_embedder(self) -> "Embedder | None":
        from tmws_mcp.embedding.embedder import load_embedder  # noqa: PLC0415 - imports numpy

        try:
            return await anyio.to_thread.run_sync(load_embedder, self.settings.embedder)
        except EmbedderUnavailable as error:
            self.embedder_problem = str(error) if self.settings.embedder != "none" else ""
            log.info("embedder.unavailable", embedder=self.settings.embedder)
            return None


@asynccontextmanager
async def open_engine(settings: Settings | None = None) -> AsyncIterator[Engine]:
    """Give the engine for as long as the block runs, and close its store afterwards.

    >>> async with open_engine() as engine:                                     # doctest: +SKIP
    ...     await engine.store_memory({"content": "The port is 8931", "tags": ["decision"]})
    """
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        engine = Engine(settings or Settings.load(), tasks)
        try:
            yield engine
        except Exception as error:  # noqa: BLE001 - raised again below, not within a group of errors
            failure = error
        finally:
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await engine.close()
    if failure is not None:
        raise failure


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
