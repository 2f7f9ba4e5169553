"""What a person does with what was learned: promote it, forget it, carry it elsewhere, compare it.

No tool of a model's leads here: these are the command line's and a program's.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from tmws_mcp.actions.registry import is_known
from tmws_mcp.engine.scoped import Scoped
from tmws_mcp.learning import carrying, comparing, forgetting, log, moved, pausing, promote
from tmws_mcp.model import LearnedFilter, Scope
from tmws_mcp.model.carried import CarriedLine, ImportedLearned
from tmws_mcp.model.learned import (
    Comparison,
    ForgetLearnedReply,
    ForgetLearnedRequest,
    LearnedMove,
    ObservingStatus,
    Promotion,
    UndoLearnedReply,
)
from tmws_mcp.model.learning import LISTED_MAX
from tmws_mcp.model.problems import validated
from tmws_mcp.model.transfer import FileMark
from tmws_mcp.settings import Settings
from tmws_mcp.store import imported, namespaces
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection


class Managing(Scoped):
    """The engine's methods for people; `engine.manage` is one."""

    def __init__(
        self,
        settings: Settings,
        *,
        store: Callable[[], Awaitable[Database]],
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock

    async def promotion(self, pattern_id: str, namespace: str = "") -> Promotion:
        """Return the authored pattern that a learned one would become; nothing is written."""
        store, scope = await self._store(), self._settings.scope(namespace)
        return await store.read(promote.promotion, pattern_id, scope, is_action=is_known)

    async def compare(self, one: str, other: str, *, task: str = "") -> Comparison:
        """Compare two learned patterns, methods, tools or authored patterns."""
        store, scope = await self._store(), self._settings.scope()
        return await store.read(comparing.compare, one, other, scope, task=task)

    async def moved(self, *, since: str = "", until: str = "") -> tuple[LearnedMove, ...]:
        """Return what was learned between two days; by default since yesterday."""
        store, scope = await self._store(), self._settings.scope()
        return await store.read(moved.moved, scope, since=since, until=until, now=self._clock())

    async def export(
        self, wanted: LearnedFilter | Mapping[str, Any] | None = None, namespace: str = ""
    ) -> tuple[str, ...]:
        """Return learned patterns with their counts as lines of JSON."""
        store, scope = await self._store(), self._settings.scope(namespace)
        asked = validated(LearnedFilter, wanted or {"limit": LISTED_MAX})
        return await store.read(carrying.exported, scope, asked)

    async def take_in(self, lines: Sequence[CarriedLine], namespace: str = "") -> ImportedLearned:
        """Take in lines of an export; twice the same counts nothing twice."""
        store, scope = await self._store(), self._settings.scope(namespace)
        return await store.write(carrying.take_in, lines, scope, self._clock())

    async def not_imported(self, marks: Sequence[FileMark], namespace: str = "") -> set[bytes]:
        """Return the names of those files that were not imported as they are now."""
        store, scope = await self._store(), self._settings.scope(namespace)
        return await store.read(_not_imported, scope, marks)

    async def imported(self, marks: Sequence[FileMark], namespace: str = "") -> None:
        """Note that all that these files say was observed."""
        store, scope = await self._store(), self._settings.scope(namespace)
        await store.write(_imported, scope, marks, self._clock())

    async def forget(self, request: ForgetLearnedRequest | Mapping[str, Any]) -> ForgetLearnedReply:
        """Forget what was learned about something, or say what would be forgotten."""
        asked, store = validated(ForgetLearnedRequest, request), await self._store()
        scope = self._settings.scope(asked.namespace)
        if asked.dry_run:
            return await store.read(forgetting.forget, asked, scope, self._clock())
        reply = await store.write(forgetting.forget, asked, scope, self._clock())
        await store.empty_log()  # it holds what was erased until then
        return reply

    async def undo(self, name: str, namespace: str = "") -> UndoLearnedReply:
        """Bring back what was forgotten."""
        store, scope = await self._store(), self._settings.scope(namespace)
        return await store.write(forgetting.undo, name, scope)

    async def erase(self, name: str, namespace: str = "") -> str:
        """Erase what was forgotten and could still be brought back; return what it was."""
        store, scope = await self._store(), self._settings.scope(namespace)
        subject = await store.write(forgetting.erase, name, scope)
        await store.empty_log()
        return subject

    async def pause(self, reason: str = "", namespace: str = "") -> ObservingStatus:
        """Observe nothing in a namespace until somebody resumes."""
        store, scope = await self._store(), self._settings.scope(namespace)
        await store.write(pausing.pause, scope, reason, self._clock())
        return await self.observing(namespace)

    async def resume(self, namespace: str = "") -> bool:
        """Observe again; False where it was not paused."""
        store, scope = await self._store(), self._settings.scope(namespace)
        return await store.write(pausing.resume, scope)

    async def observing(self, namespace: str = "") -> ObservingStatus:
        """Say whether observing goes on in a namespace, and what is kept of it."""
        store, scope = await self._store(), self._settings.scope(namespace)
        return await store.read(
            log.status,
            scope,
            steps_days=self._settings.steps_days,
            sessions_days=self._settings.sessions_days,
        )

    async def delete_log(
        self, *, older_than_days: int = 0, dry_run: bool = False, namespace: str = ""
    ) -> ForgetLearnedReply:
        """Erase the step log and the sessions; what was learned from them stays."""
        store, scope = await self._store(), self._settings.scope(namespace)
        before = self._clock() - older_than_days * log.DAY_SECONDS if older_than_days else None
        if dry_run:
            return await store.read(log.delete, scope, before=before, dry_run=True)
        reply = await store.write(log.delete, scope, before=before, dry_run=False)
        await store.empty_log()
        return reply


def _not_imported(db: Connection, scope: Scope, marks: Sequence[FileMark]) -> set[bytes]:
    ns = namespaces.find(db, scope.namespace)
    return {mark.file for mark in marks} if ns is None else imported.unknown(db, ns, marks)


def _imported(db: Connection, scope: Scope, marks: Sequence[FileMark], now: float) -> None:
    # Of files that say nothing no observation has made the namespace: they are read again.
    if (ns := namespaces.find(db, scope.namespace)) is not None:
        imported.note(db, ns, marks, now)
