"""Memories kept over years: exported, imported, archived, extended, listed with their versions.

What the command line does beyond the tools. Long work goes in slices, each a transaction of its
own, so that clients at work on the same store wait no longer than for one slice.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tmws_mcp.engine.following import Following
from tmws_mcp.engine.importing import Import, Progress
from tmws_mcp.engine.scoped import Scoped
from tmws_mcp.memory import lookup
from tmws_mcp.memory.transfer import leaving
from tmws_mcp.memory.upkeep import consolidate as consolidating
from tmws_mcp.memory.upkeep import expiry
from tmws_mcp.model import Memory, Scope
from tmws_mcp.model.transfer import TakenIn
from tmws_mcp.model.upkeep import ArchiveBatch, BroughtBack, Consolidated, Proposal
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.namespaces import find

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder

CONSOLIDATED_MAX = 10_000
"""Memories that one consolidation archives; the next one goes on."""
PROPOSED_MAX = 1_000


class Keeping(Scoped):
    """The part of the engine that moves and tidies memories."""

    def __init__(
        self,
        settings: Settings,
        *,
        store: Callable[[], Awaitable[Database]],
        embedder: "Callable[[], Awaitable[Embedder | None]]",
        clock: Callable[[], float],
    ) -> None:
        self._settings, self._store, self._embedder = settings, store, embedder
        self._clock = clock
        self.following = Following(settings, store=store, embedder=embedder, clock=clock)

    def within(self, settings: Settings) -> Self:
        """Return this part for a caller of narrower settings."""
        twin = super().within(settings)
        twin.following = self.following.within(settings)
        return twin

    async def export(
        self,
        write: Callable[[str], object],
        namespaces: tuple[str, ...] = (),
        *,
        forgotten: bool = False,
        progress: Progress = lambda _, __: None,
    ) -> int:
        """Write the memories of some namespaces as JSON lines, by default of all; return how many.

        All of it is one snapshot: what is stored meanwhile is not in it.
        """
        store, chosen = await self._store(), namespaces or self._settings.namespaces
        scopes = [self._settings.scope(name) for name in chosen]
        return await store.read(
            leaving.export, write, scopes, forgotten=forgotten, progress=progress
        )

    async def import_file(
        self,
        path: Path,
        *,
        namespace: str = "",
        dry_run: bool = False,
        progress: Progress = lambda _, __: None,
    ) -> TakenIn:
        """Take in the memories of a file; it may be repeated, and goes on where it was cut off.

        Raises:
            InvalidInput: The file has no format that is known.
        """
        run = Import(
            store=await self._store(),
            embedder=await self._embedder(),
            settings=self._settings,
            namespace=namespace,
            now=self._clock(),
            progress=progress,
        )
        return await (run.tried(path) if dry_run else run.done(path))

    async def consolidate(
        self, namespace: str = "", *, progress: Progress = lambda _, __: None
    ) -> Consolidated:
        """Archive what upkeep/consolidate.py has rules for, in slices under one batch."""
        store, scope = await self._store(), self._settings.scope(namespace)
        batch = await store.read(consolidating.new_batch)
        made: list[Proposal] = []
        while done := await store.write(_archive_slice, scope, batch, self._clock()):
            made += done
            progress(len(made), 0)
            if len(made) >= CONSOLIDATED_MAX:
                break
        return _consolidated(made, scope, batch if made else None, applied=True)

    async def proposals(self, namespace: str = "") -> Consolidated:
        """Say what `consolidate` would archive first; nothing is changed."""
        store, scope = await self._store(), self._settings.scope(namespace)
        found = await store.read(_proposed, scope, self._clock(), PROPOSED_MAX)
        return _consolidated(found, scope, None, applied=False)

    async def bring_back(self, batch: str, namespace: str = "") -> BroughtBack:
        """Undo the consolidation that has this id."""
        store, embedder = await self._store(), await self._embedder()
        scope, restored, left = self._settings.scope(namespace), 0, 1
        while left:
            done, left = await store.write(
                consolidating.bring_back, batch, scope, embedder=embedder, now=self._clock()
            )
            restored += done
        archives = await store.read(consolidating.batches, scope)
        again = next((one for one in archives if one.id == batch), None)
        return BroughtBack(
            batch=batch,
            restored=restored,
            left=sum(again.reasons.values()) if again else 0,
            scope=scope,
        )

    async def archives(self, namespace: str = "") -> tuple[ArchiveBatch, ...]:
        """Return what was archived, the newest batch first."""
        store = await self._store()
        return await store.read(consolidating.batches, self._settings.scope(namespace))

    async def expired(self, namespace: str = "", limit: int = 50) -> tuple[Memory, ...]:
        """Return what has expired and is not erased yet."""
        store, scope = await self._store(), self._settings.scope(namespace)
        return await store.read(expiry.expired, scope, self._clock(), limit)

    async def extend(
        self, ids: tuple[str, ...], until: datetime | None, namespace: str = ""
    ) -> tuple[Memory, ...]:
        """Let memories live until then; None: for ever."""
        store, scope = await self._store(), self._settings.scope(namespace)
        return await store.write(expiry.extend, ids, until, scope, now=self._clock())

    async def of_trust(
        self, trust: str, namespace: str = "", limit: int = 50
    ) -> tuple[Memory, ...]:
        """Return the newest memories of a trust level."""
        store, scope = await self._store(), self._settings.scope(namespace)
        return await store.read(lookup.of_trust, trust, scope, limit)


def _proposed(db: Connection, scope: Scope, now: float, limit: int) -> list[Proposal]:
    ns = find(db, scope.namespace)
    return consolidating.proposals(db, ns, now, limit) if ns is not None else []


def _archive_slice(db: Connection, scope: Scope, batch: str, now: float) -> list[Proposal]:
    ns = find(db, scope.namespace)
    chosen = consolidating.proposals(db, ns, now) if ns is not None else []
    if ns is not None and chosen:
        consolidating.apply(db, ns, chosen, batch, now)
    return chosen


def _consolidated(
    made: list[Proposal], scope: Scope, batch: str | None, *, applied: bool
) -> Consolidated:
    return Consolidated(
        applied=applied,
        batch=batch,
        archived=len(made),
        by_reason=dict(Counter(one.reason for one in made)),
        proposals=tuple(made[:PROPOSED_MAX]),
        scope=scope,
    )
