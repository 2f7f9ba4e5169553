"""The notes of Markdown files as memories, kept in step with their files."""

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from tmws_mcp.engine.report import limits_of
from tmws_mcp.engine.scoped import Scoped
from tmws_mcp.ingest import notes
from tmws_mcp.masking import mask_secrets
from tmws_mcp.memory.remember import Told
from tmws_mcp.memory.transfer import following
from tmws_mcp.model import Origin, Scope
from tmws_mcp.model.transfer import Followed
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder

VIA = "import-notes"
FILE_CHARS_MAX = 150
"""Of a path; its end tells files apart, and a place in it has to fit beside it."""


class Following(Scoped):
    """Follows files for the engine."""

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

    async def follow(
        self, paths: Iterable[Path], namespace: str = "", *, dry_run: bool = False
    ) -> Followed:
        """Make the store say what the files say; a repeat changes nothing.

        Raises:
            FileError: One cannot be read; nothing of it is stored.
            QuotaReached: The namespace or the store is full; what was stored stays.
        """
        told = Followed(dry_run=dry_run, scope=self._settings.scope(namespace))
        for path in paths:
            done = await self._follow(path, told.scope, dry_run=dry_run)
            told = told.model_copy(
                update={name: getattr(told, name) + count for name, count in done.items()}
            )
        return told

    async def _follow(self, path: Path, scope: Scope, *, dry_run: bool) -> dict[str, int]:
        read = await anyio.to_thread.run_sync(notes.read, path)
        masks = self._settings.mask_secrets
        said = [(one.place, mask_secrets(one.text) if masks else one.text) for one in read]
        store = await self._store()
        plan = await store.read(following.plan, self._name(path), said, scope)
        again = 0 if dry_run else await self._carry_out(store, plan, scope)
        return {
            "files": 1,
            "stored": len(plan.new) - again,
            "replaced": plan.replacing,
            "known": plan.known + again,
            "forgotten": len(plan.gone),
        }

    async def _carry_out(self, store: Database, plan: following.Plan, scope: Scope) -> int:
        """Store and forget; what a file does not say any more goes last."""
        origin, limits = Origin(trust="user", via=VIA), limits_of(self._settings)
        told = Told(now=self._clock(), origin=origin, limits=limits)
        embedder, again = await self._embedder(), 0
        for begin in range(0, len(plan.new), following.FOLLOWED_AT_ONCE):
            part = plan.new[begin : begin + following.FOLLOWED_AT_ONCE]
            again += await store.write(following.store, part, scope, told, embedder=embedder)
        if plan.gone:
            await store.write(following.drop, plan.gone, scope, now=self._clock())
        return again

    def _name(self, path: Path) -> str:
        """Return what the file is known by: its path within the project, else as a whole."""
        whole, project = path.resolve(), self._settings.project
        inside = project is not None and whole.is_relative_to(project.resolve())
        name = whole.relative_to(project.resolve()) if project is not None and inside else whole
        return name.as_posix()[-FILE_CHARS_MAX:]
