"""Remembering, recalling and forgetting, as the engine does them for its callers."""

from collections.abc import Awaitable, Callable, Sequence

from tmws_mcp.engine import report
from tmws_mcp.engine.encoder import Encoder
from tmws_mcp.engine.recalls import Recalls
from tmws_mcp.engine.scoped import Scoped
from tmws_mcp.errors import InvalidInput
from tmws_mcp.masking import mask_secrets
from tmws_mcp.memory import editing, lifecycle
from tmws_mcp.memory import recall as recalling
from tmws_mcp.memory import remember as remembering
from tmws_mcp.model import (
    EditRequest,
    ForgetReply,
    ForgetRequest,
    Memory,
    Origin,
    RecallReply,
    RecallRequest,
    StoreReply,
    StoreRequest,
)
from tmws_mcp.model.memory import Explained
from tmws_mcp.model.problems import validated
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database

BULK_MAX = 1_000
"""Memories of one transaction: it holds the write lock for as long as they take."""


class Memories(Scoped):
    """The part of the engine behind the memory tools."""

    def __init__(
        self,
        settings: Settings,
        *,
        store: Callable[[], Awaitable[Database]],
        encoder: Encoder,
        recalls: Recalls,
        clock: Callable[[], float],
    ) -> None:
        self._settings, self._store, self._encoder = settings, store, encoder
        self._recalls, self._clock = recalls, clock

    async def remember(self, asked: StoreRequest, origin: Origin) -> StoreReply:
        """Store a memory."""
        told = await self._told(origin)
        [reply] = await self._remember([(self._completed(asked), told)], asked.namespace)
        return reply

    async def remember_many(
        self, requests: Sequence[StoreRequest], namespace: str
    ) -> list[StoreReply]:
        """Store many memories of one namespace; all are stored, or none is.

        Raises:
            InvalidInput: There are more than BULK_MAX, or one of them cannot be stored.
        """
        if len(requests) > BULK_MAX:
            raise InvalidInput(
                f"store_memories takes at most {BULK_MAX} at once, it got {len(requests)}. "
                "Give them in several calls."
            )
        told = await self._told(Origin())
        return await self._remember([(self._completed(one), told) for one in requests], namespace)

    async def _told(self, origin: Origin) -> remembering.Told:
        return remembering.Told(
            now=self._clock(),
            origin=origin,
            was_shown=self._recalls.known(self._clock()),
            limits=report.limits_of(self._settings),
            judge=await self._encoder.built_in(),
        )

    def _completed(self, asked: StoreRequest) -> StoreRequest:
        """Return a request with what the settings add to it."""
        if not asked.persona and self._settings.persona:
            asked = asked.model_copy(update={"persona": self._settings.persona})
        if self._settings.mask_secrets:
            asked = asked.model_copy(update={"content": mask_secrets(asked.content)})
        return asked

    async def _remember(
        self, told: Sequence[tuple[StoreRequest, remembering.Told]], namespace: str
    ) -> list[StoreReply]:
        store, embedder = await self._store(), await self._encoder.for_writing()
        scope = self._settings.scope(namespace)
        stored = await store.write(remembering.remember_many, told, scope, embedder=embedder)
        self._wake()
        return stored

    async def recall(self, asked: RecallRequest) -> RecallReply:
        """Find what answers a query."""
        store = await self._store()
        reply = await store.read(
            recalling.recall,
            asked,
            self._settings.scope(asked.namespace),
            embedder=await self._encoder.for_query(asked.query, store),
            note=self._encoder.note,
            now=self._clock(),
        )
        self._recalls.note(reply, self._clock())
        return reply

    async def edit(self, uid: str, asked: EditRequest) -> Memory:
        """Change what stands around a memory's text."""
        store, scope = await self._store(), self._settings.scope(asked.namespace)
        edited = await store.write(editing.edit, uid, asked, scope, now=self._clock())
        self._wake()
        return edited

    async def explain(self, query: str) -> tuple[Explained, ...]:
        """Say what each signal adds to the rank of what a query finds in the default scope."""
        store = await self._store()
        return await store.read(
            recalling.explained,
            validated(RecallRequest, {"query": query}),
            self._settings.scope(),
            embedder=await self._encoder.for_query(query, store),
            now=self._clock(),
        )

    async def forget(self, asked: ForgetRequest) -> ForgetReply:
        """Forget, or bring back."""
        store = await self._store()
        reply = await store.write(
            lifecycle.forget,
            asked,
            self._settings.scope(asked.namespace),
            embedder=await self._encoder.for_query(asked.query, store),
            now=self._clock(),
        )
        self._wake()
        return reply

    def _wake(self) -> None:
        """Have vectors made of what is new, where that could not be done at once."""
        if self._encoder.is_slow:
            self._encoder.wake()
