"""What the product does: one method for each tool.

The packages of the domain meet here and pass values. Store, embedder and catalogue are opened on
first use; each call is one synchronous function on a worker thread, in one transaction. Nothing
that was learned or answered is kept without the generation number that it was read under.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.abc

from tmws_mcp import plugins
from tmws_mcp.actions.function import action_of
from tmws_mcp.actions.registry import Action
from tmws_mcp.engine import batch, indexing, levels, report, telling
from tmws_mcp.engine.acting import Acting
from tmws_mcp.engine.answering import Answering
from tmws_mcp.engine.authored import Authored
from tmws_mcp.engine.book import Books
from tmws_mcp.engine.callables import Callables, parts_of
from tmws_mcp.engine.completing import Completing
from tmws_mcp.engine.encoder import Encoder
from tmws_mcp.engine.executed import Executed
from tmws_mcp.engine.federation import Federation
from tmws_mcp.engine.feed import Feed, Watcher
from tmws_mcp.engine.hooks import Hooks
from tmws_mcp.engine.keeping import Keeping
from tmws_mcp.engine.learning import Learning
from tmws_mcp.engine.managing import Managing
from tmws_mcp.engine.memories import Memories
from tmws_mcp.engine.opening import Opening
from tmws_mcp.engine.reaching import Reaching
from tmws_mcp.engine.recalls import Recalls
from tmws_mcp.engine.scoped import narrowed
from tmws_mcp.engine.tokens import Tokens
from tmws_mcp.engine.versions import Versions
from tmws_mcp.errors import StoreError
from tmws_mcp.measures import Sample
from tmws_mcp.memory import recall as recalling
from tmws_mcp.model import (
    BatchReply,
    EditRequest,
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
    Statistics,
    Status,
    StoreReply,
    StoreRequest,
)
from tmws_mcp.model.access import Access
from tmws_mcp.model.events import WatchRequest
from tmws_mcp.model.figures import Insight
from tmws_mcp.model.memory import Explained
from tmws_mcp.model.problems import validated
from tmws_mcp.model.status import UpstreamState
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database

if TYPE_CHECKING:
    from tmws_mcp.patterns.parts import Parts


class Engine:
    """The product, opened with `open_engine` (life.py).

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
        self._clock, self._started_at = clock, clock()
        self._is_narrowed = False
        """Figures are of all callers together: nobody who may see some namespaces sees them."""
        self._encoder, recalls = Encoder(settings, clock=clock), Recalls()
        self.feed = Feed(tasks, store=self._opened, alerts=self._alerts, clock=clock)
        """What happens, for those who watch."""
        self.federation = Federation(
            settings, tasks, store=self._opened, tell=self.feed.tell, clock=clock
        )
        begin = self.federation.begin
        self._store = Opening(
            settings, tasks, encoder=self._encoder, recalls=recalls, clock=clock, begin=begin
        )
        self._executed = Executed(tasks, store=self._store, clock=clock)
        self._memories = Memories(
            settings, store=self._store, encoder=self._encoder, recalls=recalls, clock=clock
        )
        self.keeping = Keeping(
            settings, store=self._store, embedder=self._encoder.for_writing, clock=clock
        )
        self.hooks = Hooks(
            settings, tasks, store=self._store, observe=self.observe_interaction,
            recall=self.recall_memory, recommend=self.get_recommendations, clock=clock,
        )  # fmt: skip
        self.manage = Managing(settings, store=self._store, clock=clock)
        self.tokens = Tokens(store=self._opened, clock=clock)
        self._reaching = Reaching(settings, tasks)
        self._books = Books(settings, tasks, store=lambda: self._store.opened, clock=clock)
        self.versions = Versions(settings, self._books, store=self._store, clock=clock)
        """What a person does with the versions of a pattern."""
        self._answers()

    def _answers(self) -> None:
        """Put together what learns, and what `pattern_execute` needs."""
        settings, clock = self.settings, self._clock
        self._learning = Learning(
            settings, store=self._store, clock=clock, feed=self.feed,
            observed=self.federation.ring, executed=self._executed,
        )  # fmt: skip
        acting = Acting(settings)
        self._authored = Authored(settings, self._books, personas=acting.problems)
        self._callables = Callables(
            settings,
            own=report.actions(self.status, self.statistics),
            listing=self._authored.actions(),
            only_reads=self._reaching.only_reads,
        )
        self._answering = Answering(
            settings, store=self._store, encoder=self._encoder, clock=clock, parts=self._parts,
            record=self._learning.record, callables=self._callables, books=self._books,
            figures=self._store.figures, acting=acting,
        )  # fmt: skip
        self._completing = Completing(
            settings, store=self._store, patterns=self._authored.summaries,
            learned=self._learning.patterns, personas=acting.names,
        )  # fmt: skip

    def seen_by(self, access: Access) -> "Engine":
        """Return this engine as a caller sees it: no call leaves the namespaces that it may use."""
        if not access.namespaces:
            return self
        twin = copy(self)
        twin._narrow(narrowed(self.settings, access.namespaces))  # noqa: SLF001 - of this very class
        return twin

    def _narrow(self, settings: Settings) -> None:
        """Put parts of narrower settings in the place of all that work on a scope."""
        self.settings, self._is_narrowed = settings, True
        self.federation = self.federation.within(settings)
        self.keeping = self.keeping.within(settings)
        self.manage = self.manage.within(settings)
        self.versions = self.versions.within(settings)
        self._memories = self._memories.within(settings)
        self._learning = self._learning.within(settings)
        callables = self._callables.seen(report.actions(self.status, self.statistics))
        self._answering = self._answering.seen(settings, parts=self._parts, callables=callables)
        self._completing = self._completing.seen(settings, learned=self._learning.patterns)

    async def store_memory(
        self, request: StoreRequest | Mapping[str, Any], *, via: str = "", client: str = ""
    ) -> StoreReply:
        """Remember something; an exact duplicate answers with the id of the first.

        `via` and `client` say by which way and through whom it came.
        """
        return await self._memories.remember(
            validated(StoreRequest, request), Origin(via=via, client=client)
        )

    async def store_memories(
        self, requests: Sequence[StoreRequest], namespace: str = ""
    ) -> list[StoreReply]:
        """Remember up to BULK_MAX things of one namespace at once; all are stored, or none is."""
        return await self._memories.remember_many(requests, namespace)

    async def recall_memory(self, request: RecallRequest | Mapping[str, Any]) -> RecallReply:
        """Find what answers a query, within a token budget."""
        return await self._memories.recall(validated(RecallRequest, request))

    async def explain_recall(self, query: str) -> tuple[Explained, ...]:
        """Say what each signal adds to the rank of what a query finds."""
        return await self._memories.explain(query)

    async def forget_memory(self, request: ForgetRequest | Mapping[str, Any]) -> ForgetReply:
        """Forget, or bring back what was forgotten lately."""
        return await self._memories.forget(validated(ForgetRequest, request))

    async def pattern_execute(self, request: ExecuteRequest | Mapping[str, Any]) -> ExecuteReply:
        """Answer a query by the cheapest way that will do."""
        asked = validated(ExecuteRequest, request)
        with telling.execution(self.feed, self.settings.scope(asked.namespace), asked) as told:
            reply = await self._answering.execute(asked)
            told(reply)
        return reply

    async def pattern_execute_many(
        self,
        requests: Sequence[ExecuteRequest | Mapping[str, Any] | str],
        *,
        token_budget: int = batch.TOKENS_DEFAULT,
    ) -> BatchReply:
        """Answer up to QUERIES_MAX queries side by side, within one token budget."""
        return await batch.execute_many(self.pattern_execute, requests, token_budget)

    async def register_pattern(self, request: RegisterRequest | Mapping[str, Any]) -> RegisterReply:
        """Save an authored pattern given as an object."""
        return await self._authored.register(validated(RegisterRequest, request))

    async def promote_pattern(self, pattern_id: str, namespace: str = "") -> RegisterReply:
        """Make a learned pattern one that pattern_execute runs; somebody decides so, no model."""
        made = await self.manage.promotion(pattern_id, namespace)
        return await self._authored.promote(made)

    async def remove_pattern(self, name: str) -> None:
        """Remove a pattern that was registered or promoted; its versions stay."""
        await self._store()  # where its versions are kept
        await self._authored.remove(name)

    async def add_pattern(
        self,
        definition: Mapping[str, Any],
        *,
        actions: Mapping[str, Callable[..., Any]] | None = None,
    ) -> str:
        """Add a pattern for as long as this engine lives, and return its id.

        `actions` are functions, by the names under which its steps call them; `with` are their
        keyword arguments, and what they return must be JSON.

        Raises:
            PatternFileError: It is no pattern.
            InvalidInput: There is an action of that name already.
        """
        for name, function in (actions or {}).items():
            self._callables.add(action_of(name, function))
        return await self._books.add(definition)

    async def observe_interaction(
        self, request: ObserveRequest | Mapping[str, Any], *, connection: str = ""
    ) -> ObserveReply:
        """Record what happened; it is durable when this returns.

        `connection` names the implicit session of steps without a `session_id`.
        """
        return await self._learning.observe(validated(ObserveRequest, request), connection)

    async def get_recommendations(
        self, request: RecommendRequest | Mapping[str, Any], *, connection: str = ""
    ) -> RecommendReply:
        """Say what has proved itself in a case like this, or why nothing can be said."""
        return await self._learning.recommend(validated(RecommendRequest, request), connection)

    async def watch(self, request: WatchRequest | Mapping[str, Any]) -> Watcher:
        """Return who hears of all that happens from now on, in every process on the store."""
        asked = validated(WatchRequest, request)
        return await self.feed.watch(telling.watched(self.settings, asked), asked.kinds)

    async def end_connection(self, connection: str) -> None:
        """Close the implicit session of a connection, if the store was used at all."""
        await self._learning.end_connection(connection)

    async def memory(self, uid: str, namespace: str = "") -> Memory:
        """Return a memory in full, with its links."""
        store = await self._store()
        return await store.read(recalling.memory_by_id, uid, self.settings.scope(namespace))

    async def edit_memory(self, uid: str, request: EditRequest | Mapping[str, Any]) -> Memory:
        """Change what stands around a memory's text, and return it; the text stays as it is."""
        return await self._memories.edit(uid, validated(EditRequest, request))

    async def patterns(self) -> tuple[PatternSummary, ...]:
        """Return the authored patterns, in the order of their ids."""
        return await self._authored.summaries()

    async def pattern(self, name: str) -> PatternSummary:
        """Return one authored pattern, and how its executions went."""
        found = await self._authored.summary(name)
        try:
            said = await self._learning.executions(name)
        except StoreError:  # its file can be shown all the same
            said = None
        return found.model_copy(update={"executions": said})

    async def learned(
        self, wanted: LearnedFilter | Mapping[str, Any] | None = None, namespace: str = ""
    ) -> tuple[LearnedPattern, ...]:
        """Return learned patterns, the newest first."""
        return await self._learning.patterns(validated(LearnedFilter, wanted or {}), namespace)

    async def learned_pattern(self, name: str, namespace: str = "") -> LearnedPattern:
        """Return one learned pattern."""
        return await self._learning.pattern(name, namespace)

    async def status(self) -> Status:
        """Say whether this server can do its work, and in which tier."""
        embedder = await self._encoder.loaded()
        return await report.status(
            self.settings,
            store=self._store,
            embedder=embedder.id if embedder else None,
            problems=(
                self._encoder.problem,
                *await self._authored.problems(),
                *await self._reaching.problems(),
                *plugins.problems(),
            ),
            upstream=await self._reaching.in_words(),
            patterns=len(await self.patterns()),
            federation=self.federation.in_words(),
            alerts=await self._alerts(),
            uptime_seconds=self._clock() - self._started_at,
            now=self._clock(),
        )

    async def _alerts(self) -> tuple[str, ...]:
        return () if self._is_narrowed else await self._answering.watching.alerts()

    async def upstream(self) -> tuple[UpstreamState, ...]:
        """Return the other servers with their tools; those that do not run are started.

        Raises:
            FileError: The file that names them cannot be used.
        """
        return await self._reaching.states(start=True)

    async def statistics(self, namespace: str = "") -> Statistics:
        """Say how much is stored and learned."""
        scope = self.settings.scope(namespace)
        watching = self._answering.watching
        insight = Insight(days=0) if self._is_narrowed else await watching.insight()
        return await report.statistics(await self._store(), scope, insight)

    async def complete(self, kind: str, prefix: str) -> tuple[str, ...]:
        """Return known values that begin with a prefix: memory, tag, persona, pattern, learned."""
        return await self._completing(kind, prefix)

    async def tidy(self) -> None:
        """Bring the index into shape now instead of in the background: after an import."""
        await indexing.tidy(await self._store())

    async def measured(self) -> list[Sample]:
        """Return what this process has done since it began, and how it stands."""
        kept = await self._answering.levels()
        return levels.of_process(self._store, feed=self.feed.waiting) + kept

    async def standing(self) -> list[Sample]:
        """Return how the store stands, and what shares with it."""
        return await levels.of_store(
            self._store,
            embedder=await self._encoder.loaded(),
            insight=self._answering.watching.insight,
            federation=self.federation.report,
        )

    async def probe(self) -> float:
        """Write to the store, and return how many seconds it took.

        Raises:
            StoreError: It cannot be written.
        """
        return await report.probe(await self._store())

    async def _opened(self) -> Database:
        return await self._store()

    async def close(self) -> None:
        """Close the store; `open_engine` does it, once nobody works on it any more."""
        await self._answering.close()
        with anyio.CancelScope(shield=True):
            if store := self._store.opened:
                await self._executed.written()
                await self.feed.write_down(store)
        await self._store.close()

    def _parts(self, actions: Mapping[str, Action]) -> "Parts":
        return parts_of(
            self.settings, actions, clock=self._clock, call=self._reaching.call,
            recall=self.recall_memory, recommend=self.get_recommendations,
            remember=partial(self.store_memory, via="pattern_execute"),
        )  # fmt: skip
