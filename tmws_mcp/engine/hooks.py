"""The events of hooks are observed: in the background of a server, or at once by a person.

One process at a time does it, under a lease. A file goes once what it says is committed.
"""

import os
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import anyio.abc
import anyio.to_thread

from tmws_mcp.engine import hints
from tmws_mcp.errors import InvalidInput, TmwsError
from tmws_mcp.ingest import spool
from tmws_mcp.ingest.spool import Event
from tmws_mcp.model import Interaction, ObserveReply, ObserveRequest
from tmws_mcp.model.base import NAMESPACE
from tmws_mcp.settings import Settings
from tmws_mcp.store import lease
from tmws_mcp.store.database import Database
from tmws_mcp.telemetry import get_logger

ROUND_SECONDS = 2.0
LEASE = "hooks"
FOLDERS_KEPT_MAX = 1_000

Observe = Callable[[ObserveRequest], Awaitable[ObserveReply]]

log = get_logger("hooks")


class Hooks:
    """Takes in what hooks have put down."""

    def __init__(
        self,
        settings: Settings,
        tasks: anyio.abc.TaskGroup,
        *,
        store: Callable[[], Awaitable[Database]],
        observe: Observe,
        recall: hints.Recall,
        recommend: hints.Recommend,
        clock: Callable[[], float],
    ) -> None:
        self.folder = settings.home / spool.FOLDER
        self._store, self._observe, self._clock = store, observe, clock
        self._owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._namespaces: dict[tuple[str, str], str] = {}
        self.is_ready = False
        """Whether all that hints need is loaded."""
        self._hints = hints.Hints(
            recall=recall,
            recommend=recommend,
            prompts=spool.Prompts(self.folder),
            tokens_max=settings.hook_tokens,
        )
        tasks.start_soon(self.watch)

    async def hint(self, event: Event) -> str:
        """Return what the agent should know after an event that was kept; empty: nothing."""
        return await self._hints.on(event, self._namespace(event))

    async def get_ready(self, event: Event) -> None:
        """Load what hints need where an event happened: the first question takes the longest."""
        await self._hints.rehearse(self._namespace(event))
        self.is_ready = True

    async def watch(self, round_seconds: float = ROUND_SECONDS) -> None:
        """Take in what there is every `round_seconds`, until cancelled."""
        while True:
            await anyio.sleep(round_seconds)
            try:
                while await self.drain() >= spool.TAKEN_AT_ONCE:
                    pass
            except TmwsError as error:
                log.warning("hooks.not_observed", error=type(error).__name__)
            except Exception:  # a bug in here must not end the engine that it serves
                log.exception("hooks.crashed")

    async def drain(self) -> int:
        """Observe the oldest events that wait, and return how many there were."""
        paths = await anyio.to_thread.run_sync(spool.waiting, self.folder)
        if not paths:
            return 0
        store = await self._store()
        if not await store.write(lease.acquire, LEASE, self._owner, self._clock()):
            return 0
        try:
            return await self._take_in(paths)
        finally:
            await store.write(lease.release, LEASE, self._owner)

    async def _take_in(self, paths: list[Path]) -> int:
        events = await anyio.to_thread.run_sync(lambda: list(spool.read(paths)))
        prompts = spool.Prompts(self.folder)
        by_namespace: defaultdict[str, list[Interaction]] = defaultdict(list)
        for event, one in spool.interactions(events, prompts):
            by_namespace[self._namespace(event)].append(one)
        for namespace, its in by_namespace.items():
            await self._observed(namespace, its)
        await anyio.to_thread.run_sync(_done, events, prompts)
        return len(events)

    async def _observed(self, namespace: str, its: list[Interaction]) -> None:
        request = ObserveRequest(interactions=tuple(its), namespace=namespace)
        try:
            await self._observe(request)
        except InvalidInput as error:
            if len(its) == 1:  # it is left out, or it would be met again and again
                log.warning("hooks.event_refused", error=type(error).__name__)
                return
            for one in its:
                await self._observed(namespace, [one])

    def _namespace(self, event: Event) -> str:
        """Return the hook's own namespace, else that of the project it worked in."""
        if is_namespace(event.namespace):
            return event.namespace
        where = event.project, event.text("cwd")
        if where not in self._namespaces:
            if len(self._namespaces) >= FOLDERS_KEPT_MAX:
                self._namespaces.clear()
            self._namespaces[where] = _namespace_of(*where)
        return self._namespaces[where]


def is_namespace(name: str) -> bool:
    """Tell whether a name can be used; one that cannot would be met again and again."""
    return bool(NAMESPACE.fullmatch(name))


def _namespace_of(project: str, folder: str) -> str:
    """Return the namespace that a server would use that was started there."""
    named = {"CLAUDE_PROJECT_DIR": project} if project else {}
    return Settings.load(named, cwd=Path(folder) if folder else None).scope().namespace


def _done(events: list[Event], prompts: spool.Prompts) -> None:
    """Keep what the users asked for first: an event that is met again does no harm."""
    prompts.save()
    for event in events:
        event.path.unlink(missing_ok=True)
