"""The embedder that the settings name, called where nothing waits for it that must not.

A prompt embedder (the built-in one) is used within the store's transactions. Any other one may take
seconds, or be away: a query is encoded before the store is read, for as long as a caller can be
kept waiting, and else words alone answer; what is stored gets its vector right afterwards.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from tmws_mcp.errors import EmbedderAway, EmbedderUnavailable, SettingsError
from tmws_mcp.memory.search.meaning import query_text
from tmws_mcp.settings import Settings
from tmws_mcp.store import embedders
from tmws_mcp.store.database import Database
from tmws_mcp.telemetry import get_logger

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tmws_mcp.embedding.embedder import Embedder
    from tmws_mcp.embedding.ready import Ready

QUERY_SECONDS_MAX = 2.0
"""How long a caller waits for a query's vector, or for a server to be reached at all."""
LOAD_SECONDS_MAX = 30.0
"""How long a caller waits for a model to be read from the disk."""
AWAY_SECONDS = 15.0
"""An embedder that failed or was too slow is left alone by queries for this long."""
THREADS_MAX = 4
"""Queries at an embedder at once: those that nobody waits for any more are among them."""
QUERIES_KEPT_MAX = 128
MISSING_TOLD_MIN = 50
"""Fewer missing vectors are those of what was stored just now."""
REMOTE = frozenset({"openai", "http", "https"})
BUILT_IN = "static"

log = get_logger("embedder")


class Encoder:
    """Loads the embedder on first use, and asks again for one that is away."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float]) -> None:
        self.problem = ""
        """Why words alone answer, where they do."""
        self.missing: int | None = None
        """How many memories have no vector of this embedder; None: nobody has looked yet."""
        self._name = settings.embedder
        self._settings, self._clock = settings, clock
        self._embedder: Embedder | None = None
        self._built_in: Embedder | None = None
        self._settled = False
        self._left_alone_until = 0.0
        self._loading, self._wake = anyio.Lock(), anyio.Event()
        self._threads = anyio.CapacityLimiter(THREADS_MAX)
        self._kept: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    @property
    def is_slow(self) -> bool:
        """Whether vectors are made after their memories were stored."""
        return self._embedder is None or not self._embedder.prompt

    @property
    def note(self) -> str:
        """What a recall must say of vectors that are still to come."""
        if self._embedder is None or (self.missing or 0) < MISSING_TOLD_MIN:
            return ""
        return f"{self.missing:,} memories have no vector yet; those are found by words alone."

    async def loaded(self) -> "Embedder | None":
        """Return the embedder, if it can be had within the time that a caller waits."""
        remote = self._name.partition(":")[0] in REMOTE
        limit = QUERY_SECONDS_MAX if remote else LOAD_SECONDS_MAX
        with anyio.move_on_after(limit) as scope:
            await self.load()
        if scope.cancelled_caught:
            self._leave_alone(f"{self._kind} takes more than {limit:g} s to answer.")
        return self._embedder

    async def load(self) -> "Embedder | None":
        """Return the embedder, however long it takes; None if there is none, or none for now."""
        if self._embedder or self._settled or self._clock() < self._left_alone_until:
            return self._embedder
        async with self._loading:
            if not (self._embedder or self._settled or self._clock() < self._left_alone_until):
                await self._load()
        return self._embedder

    async def _load(self) -> None:
        try:
            self._embedder = await self._loaded_by_name(self._name)
            self.problem = ""
        except EmbedderAway as error:
            self._leave_alone(str(error))
        except (EmbedderUnavailable, SettingsError) as error:
            self._settled = True
            self.problem = str(error) if self._name != "none" else ""
            log.info("embedder.unavailable", kind=self._kind)

    async def _loaded_by_name(self, name: str) -> "Embedder":
        from tmws_mcp.embedding.embedder import load_embedder, options_of  # noqa: PLC0415 - numpy

        load = partial(load_embedder, name, options_of(self._settings))
        return await anyio.to_thread.run_sync(load, abandon_on_cancel=True)

    @property
    def _kind(self) -> str:
        """The embedder's kind: all of its name that a log or a reply may hold."""
        return f"The embedder {self._name.partition(':')[0]}"

    async def built_in(self) -> "Embedder | None":
        """Return the embedder in the package, whatever the settings name, unless they want none.

        Near duplicates are told by it: their threshold was measured with its vectors.
        """
        if self._name == "none":
            return None
        if self._name == BUILT_IN:
            return await self.loaded()
        if self._built_in is None:
            try:
                self._built_in = await self._loaded_by_name(BUILT_IN)
            except EmbedderUnavailable:
                return None
        return self._built_in

    async def for_writing(self) -> "Embedder | None":
        """Return the embedder if it may be called while the store's write lock is held."""
        embedder = await self.loaded()
        return embedder if embedder and embedder.prompt else None

    async def for_query(self, query: str, store: Database) -> "Embedder | Ready | None":
        """Return what knows the vector of a query; None if words alone must answer."""
        if not query.strip() or self._name == "none":
            return await self.for_writing()
        embedder = await self.loaded()
        if self.missing != 0 and (former := await self._former(store)):
            return _ready(former, query, former.encode([query_text(query)])[0])
        if embedder is None or embedder.prompt:
            return embedder
        row = await self._query_row(embedder, query_text(query))
        return None if row is None else _ready(embedder, query, row)

    async def _former(self, store: Database) -> "Embedder | None":
        """Return the built-in embedder while its vectors serve until the chosen one's are made."""
        if self._name == BUILT_IN:
            return None
        there = await store.read(embedders.former, self._embedder.id if self._embedder else "")
        built_in = await self.built_in() if there else None
        return built_in if built_in and built_in.id in there else None

    async def _query_row(self, embedder: "Embedder", text: str) -> "NDArray[np.float32] | None":
        if (known := self._kept.get(text)) is not None:
            self._kept.move_to_end(text)
            return known
        if self._clock() < self._left_alone_until:
            return None
        try:
            with anyio.move_on_after(QUERY_SECONDS_MAX):
                rows = await anyio.to_thread.run_sync(
                    embedder.encode, [text], abandon_on_cancel=True, limiter=self._threads
                )
                return self._keep(text, rows[0])
        except EmbedderUnavailable as error:
            self._leave_alone(str(error))
            return None
        except Exception as error:  # an embedder of another package: recall must go on without it
            self._leave_alone(f"{self._kind} failed ({type(error).__name__}).")
            log.exception("embedder.crashed", kind=self._kind)
            return None
        self._leave_alone(f"{self._kind} took more than {QUERY_SECONDS_MAX:g} s for a query.")
        return None

    def _keep(self, text: str, row: "NDArray[np.float32]") -> "NDArray[np.float32]":
        self._kept[text] = row
        while len(self._kept) > QUERIES_KEPT_MAX:
            self._kept.popitem(last=False)
        self.answered()
        return row

    def answered(self) -> None:
        """Note that the embedder works; what it missed while it was away is made up at once."""
        self._left_alone_until = 0.0
        if self.problem:
            self.problem = ""
            self.wake()

    def failed(self, error: EmbedderUnavailable) -> None:
        """Note that the embedder does not work now."""
        self._leave_alone(str(error))

    def _leave_alone(self, problem: str) -> None:
        if not self.problem:
            log.warning("embedder.failed", kind=self._kind)
        self.problem = problem
        self._left_alone_until = self._clock() + AWAY_SECONDS

    def wake(self) -> None:
        """Say that vectors may be missing."""
        self._wake.set()

    async def woken(self, seconds_max: float) -> None:
        """Wait until somebody says so, `seconds_max` at most."""
        with anyio.move_on_after(seconds_max):
            await self._wake.wait()
        self._wake = anyio.Event()


def _ready(embedder: "Embedder", query: str, row: "NDArray[np.float32]") -> "Ready":
    from tmws_mcp.embedding.ready import Ready  # noqa: PLC0415 - with the first query

    return Ready(embedder, {query_text(query): row})
