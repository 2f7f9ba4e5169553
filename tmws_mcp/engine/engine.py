"""What the product does: one method for each tool.

The packages of the domain meet here and pass values. Store, embedder and catalogue are opened on
first use; each call is one synchronous function on a worker thread, in one transaction. Nothing
that was learned or answered is kept without the generation number that it was read under.
"""

import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.abc
from pydantic import JsonValue

from tmws_mcp.actions.registry import Action, Workspace
from tmws_mcp.engine import indexing, report
from tmws_mcp.engine.answering import Answering
from tmws_mcp.engine.encoder import Encoder
from tmws_mcp.engine.filling import Filler
from tmws_mcp.engine.keeping import Keeping
from tmws_mcp.engine.maintenance import Retention, maintain
from tmws_mcp.engine.managing import Managing
from tmws_mcp.engine.once import Once
from tmws_mcp.engine.recalls import Recalls
from tmws_mcp.errors import InvalidInput, StoreError, StoreMoved, TmwsError
from tmws_mcp.learning import executions, learned, pausing, sessions
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
    LearnedFilter,
    LearnedPattern,
    Memory,
    ObserveReply,
    ObserveRequest,
    Origin,
    PatternSummary,
    RecallReply,
    RecallRequest,
    RecommendReply,
    RecommendRequest,
    RegisterReply,
    RegisterRequest,
    Scope,
    Statistics,
    Status,
    StoreReply,
    StoreRequest,
)
from tmws_mcp.model.learned import Execution
from tmws_mcp.model.problems import validated
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database
from tmws_mcp.telemetry import get_logger

if TYPE_CHECKING:
    from tmws_mcp.patterns.run import Parts

log = get_logger("engine")

COMPLETIONS_MAX = 50
BULK_MAX = 1_000
"""Memories of one transaction: it holds the write lock for as long as they take."""


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
        self._clock = clock
        self._started_at = clock()
        self._tasks = tasks
        self._file: tuple[int, int] | None = None
        """Which file the open store is: device and inode."""
        self._shelf = Shelf()
        self._opened = Once(self._open_store)
        self._encoder = Encoder(settings, clock=clock)
        self._recalls = Recalls()
        self.keeping = Keeping(
            settings, store=self._store, embedder=self._encoder.for_writing, clock=clock
        )
        self.manage = Managing(settings, store=self._store, clock=clock)
        """What a person does with what was learned."""
        self._answering = Answering(
            settings,
            store=self._store,
            parts=self._parts,
            record=self._record,
            actions={"status.health": self._health, "statistics.all": self._figures},
        )

    async def store_memory(
        self, request: StoreRequest | Mapping[str, Any], *, via: str = "", client: str = ""
    ) -> StoreReply:
        """Remember something; an exact duplicate answers with the id of the first.

        `via` and `client` say by which way and through whom it came.
        """
        asked = validated(StoreRequest, request)
        if not asked.persona and self.settings.persona:
            asked = asked.model_copy(update={"persona": self.settings.persona})
        if self.settings.mask_secrets:
            asked = asked.model_copy(update={"content": mask_secrets(asked.content)})
        store, embedder = await self._store(), await self._encoder.for_writing()
        stored = await store.write(
            remembering.remember,
            asked,
            self.settings.scope(asked.namespace),
            embedder=embedder,
            judge=await self._encoder.built_in(),
            now=self._clock(),
            origin=Origin(via=via, client=client),
            was_shown=self._recalls.known(self._clock()),
            limits=report.limits_of(self.settings),
        )
        if self._encoder.is_slow:
            self._encoder.wake()
        return stored

    async def store_memories(
        self, requests: Sequence[StoreRequest], namespace: str = ""
    ) -> list[StoreReply]:
        """Remember many things of one namespace at once; all are stored, or none is.

        Raises:
            InvalidInput: There are more than BULK_MAX, or one of them cannot be stored.
        """
        if len(requests) > BULK_MAX:
            raise InvalidInput(
                f"store_memories takes at most {BULK_MAX} at once, it got {len(requests)}. "
                "Give them in several calls."
            )
        store, embedder = await self._store(), await self._encoder.for_writing()
        call = remembering.Told(
            now=self._clock(),
            limits=report.limits_of(self.settings),
            judge=await self._encoder.built_in(),
        )
        stored = await store.write(
            remembering.remember_many,
            [(request, call) for request in requests],
            self.settings.scope(namespace),
            embedder=embedder,
        )
        if self._encoder.is_slow:
            self._encoder.wake()
        return stored

    async def recall_memory(self, request: RecallRequest | Mapping[str, Any]) -> RecallReply:
        """Find what answers a query, within a token budget."""
        asked = validated(RecallRequest, request)
        store = await self._store()
        reply = await store.read(
            recalling.recall,
            asked,
            self.settings.scope(asked.namespace),
            embedder=await self._encoder.for_query(asked.query, store),
            note=self._encoder.note,
            now=self._clock(),
        )
        self._recalls.note(reply, self._clock())
        return reply

    async def forget_memory(self, request: ForgetRequest | Mapping[str, Any]) -> ForgetReply:
        """Forget, or bring back what was forgotten lately."""
        asked = validated(ForgetRequest, request)
        store, scope = await self._store(), self.settings.scope(asked.namespace)
        embedder = await self._encoder.for_query(asked.query, store)
        reply = await store.write(
            lifecycle.forget, asked, scope, embedder=embedder, now=self._clock()
        )
        if self._encoder.is_slow:
            self._encoder.wake()
        return reply

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
            pausing.observe,
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
        """Return one authored pattern, and how its executions went."""
        found = await self._answering.summary(name)
        try:
            store = await self._store()
            said = await store.read(executions.in_words, name, self.settings.scope())
        except StoreError:  # its file can be shown all the same
            said = None
        return found.model_copy(update={"executions": said})

    async def learned(
        self, wanted: LearnedFilter | Mapping[str, Any] | None = None
    ) -> tuple[LearnedPattern, ...]:
        """Return learned patterns of the default scope, the newest first."""
        asked, store = validated(LearnedFilter, wanted or {}), await self._store()
        return await store.read(learned.learned_patterns, self.settings.scope(), asked)

    async def learned_pattern(self, name: str) -> LearnedPattern:
        """Return one learned pattern."""
        store = await self._store()
        return await store.read(learned.learned_pattern, name, self.settings.scope())

    async def status(self) -> Status:
        """Say whether this server can do its work, and in which tier."""
        embedder = await self._encoder.loaded()
        return await report.status(
            self.settings,
            store=self._store,
            embedder=embedder.id if embedder else None,
            problems=(self._encoder.problem, *await self._answering.problems()),
            patterns=len(await self.patterns()),
            uptime_seconds=self._clock() - self._started_at,
            now=self._clock(),
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
            names = (
                pattern.pattern_id for pattern in await self.learned({"limit": COMPLETIONS_MAX * 4})
            )
            return tuple(name for name in names if name.startswith(prefix))[:COMPLETIONS_MAX]
        known = {
            "memory": lookup.known_ids, "tag": lookup.known_tags, "persona": lookup.known_personas,
        }  # fmt: skip
        if kind not in known:
            return ()
        store = await self._store()
        return await store.read(known[kind], self.settings.scope(), prefix, COMPLETIONS_MAX)

    async def tidy(self) -> None:
        """Bring the index into shape now instead of in the background: after an import."""
        await indexing.tidy(await self._store())

    async def close(self) -> None:
        """Close the store; `open_engine` does it, once nobody works on it any more."""
        with anyio.CancelScope(shield=True):
            if store := self._opened.opened:
                await self._recalls.write_down(store)
                await store.__aexit__(None, None, None)

    def _parts(self, actions: Mapping[str, Action]) -> "Parts":
        from tmws_mcp.patterns.run import Parts  # noqa: PLC0415 - with the first query

        folder = self.settings.workspace or self.settings.project
        return Parts(
            recall=self.recall_memory,
            remember=partial(self.store_memory, via="pattern_execute"),
            recommend=self.get_recommendations,
            actions=actions,
            workspace=Workspace(folder),
        )

    async def _record(self, execution: Execution, scope: Scope) -> None:
        """Observe an execution; that it cannot be must not fail what was executed."""
        if not self.settings.observe_executions:
            return
        try:
            store = await self._store()
            await store.write(executions.record, execution, scope, self._clock())
        except TmwsError as error:
            log.warning("execution.not_observed", error=type(error).__name__)

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
        self._tasks.start_soon(
            partial(
                maintain,
                store,
                clock=self._clock,
                recalls=self._recalls,
                retention=Retention(
                    self.settings.steps_days,
                    self.settings.sessions_days,
                    report.retention_of(self.settings),
                ),
            )
        )
        self._tasks.start_soon(Filler(store, self._encoder, self._clock).run)
        owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._tasks.start_soon(partial(indexing.keep_in_shape, store, owner, clock=self._clock))
        return store


@asynccontextmanager
async def open_engine(settings: Settings | None = None) -> AsyncIterator[Engine]:
    """Give the engine for as long as the block runs, and close its store afterwards.

    >>> async with open_engine() as engine:                                     # doctest: +SKIP
    ...     await engine.store_memory({"content": "The port is 8931", "tags": ["decision"]})
    """
    failure: Exception | None = None
    async with AsyncExitStack() as after_all_tasks, anyio.create_task_group() as tasks:
        engine = Engine(settings or Settings.load(), tasks)
        after_all_tasks.push_async_callback(engine.close)
        try:
            yield engine
        except Exception as error:  # noqa: BLE001 - raised below, not within a group of errors
            failure = error
        finally:
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
