"""One import: a file is gone through in batches, each written in one transaction."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import anyio.to_thread

from tmws_mcp.engine.report import limits_of
from tmws_mcp.errors import FileError
from tmws_mcp.masking import mask_secrets
from tmws_mcp.memory.row import text_hash
from tmws_mcp.memory.transfer import arriving, formats
from tmws_mcp.model import Scope
from tmws_mcp.model.transfer import Entry, Foreign, Kept, TakenIn
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder

BATCH_ENTRIES = 100
"""In one transaction: the write lock is held for some 100 ms."""
PROBLEMS_KEPT_MAX = 100

Progress = Callable[[int, int], None]


class Import:
    """One import."""

    def __init__(
        self,
        *,
        store: Database,
        embedder: "Embedder | None",
        settings: Settings,
        namespace: str,
        now: float,
        progress: Progress,
    ) -> None:
        self._store, self._embedder, self._settings = store, embedder, settings
        self._namespace, self._now, self._progress = namespace, now, progress
        self._counts: Counter[str] = Counter()
        self._problems: list[str] = []
        self._renamed: arriving.Renamed = {}
        self._format = ""

    async def done(self, path: Path) -> TakenIn:
        """Take the file in."""
        await self._each_batch(path, self._take_in)
        if self._format == formats.OURS:
            await self._each_batch(path, self._link)
        return self._report(dry_run=False)

    async def tried(self, path: Path) -> TakenIn:
        """Say what would become of it; nothing is changed."""
        seen: set[tuple[str, bytes]] = set()
        await self._each_batch(path, partial(self._judge, seen))
        return self._report(dry_run=True)

    async def _each_batch(self, path: Path, work: Callable[[list[Entry]], Awaitable[None]]) -> None:
        with _opened(path) as file:
            self._format, entries = formats.entries(file)
            done = 0
            while batch := await anyio.to_thread.run_sync(_next_batch, entries):
                await work(batch)
                done += len(batch)
                self._progress(done, 0)

    async def _take_in(self, batch: list[Entry]) -> None:
        self._note(batch)
        if foreign := [one for entry in batch if isinstance(one := entry.memory, Foreign)]:
            counts = await self._store.write(
                arriving.take_in,
                [self._prepared(one) for one in foreign],
                self._scope,
                embedder=self._embedder,
                now=self._now,
                limits=limits_of(self._settings),
            )
            self._counts.update(counts)
        if kept := self._kept(batch):
            counts = await self._store.write(
                arriving.put_back,
                kept,
                embedder=self._embedder,
                now=self._now,
                renamed=self._renamed,
                limits=limits_of(self._settings),
            )
            self._counts.update(counts)

    async def _link(self, batch: list[Entry]) -> None:
        if kept := self._kept(batch):
            await self._store.write(
                arriving.link_back,
                kept,
                embedder=self._embedder,
                now=self._now,
                renamed=self._renamed,
            )

    async def _judge(self, seen: set[tuple[str, bytes]], batch: list[Entry]) -> None:
        self._note(batch)
        verdicts = await self._store.read(self._verdicts, batch, seen)
        self._counts.update(verdicts)

    def _verdicts(
        self, db: Connection, batch: list[Entry], seen: set[tuple[str, bytes]]
    ) -> list[str]:
        """Say what each entry would become; `seen` holds what earlier ones would have stored."""
        foreign = [self._prepared(m) for e in batch if isinstance(m := e.memory, Foreign)]
        verdicts = [arriving.judge(db, memory, self._now) for memory in self._kept(batch)]
        for memory in foreign:
            mark = (self._scope.namespace, text_hash(memory.request.content))
            verdict = arriving.judge_foreign(db, memory, self._scope, self._now)
            verdicts.append("known" if mark in seen else verdict)
            seen.add(mark)
        return verdicts

    def _note(self, batch: list[Entry]) -> None:
        self._counts["entries"] += len(batch)
        for entry in batch:
            if entry.problem:
                self._counts["bad"] += 1
                if len(self._problems) < PROBLEMS_KEPT_MAX:
                    self._problems.append(f"{self._place(entry.number)}: {entry.problem}")

    def _place(self, number: int) -> str:
        return f"line {number}" if self._format == formats.OURS else f"item {number}"

    @property
    def _scope(self) -> Scope:
        return self._settings.scope(self._namespace)

    def _kept(self, batch: list[Entry]) -> list[Kept]:
        found = [one for entry in batch if isinstance(one := entry.memory, Kept)]
        changes = {"namespace": self._namespace} if self._namespace else {}
        return [
            one.model_copy(update=changes | {"content": self._masked(one.content)}) for one in found
        ]

    def _prepared(self, foreign: Foreign) -> Foreign:
        content = self._masked(foreign.request.content)
        request = foreign.request.model_copy(update={"content": content})
        return foreign.model_copy(update={"request": request})

    def _masked(self, content: str) -> str:
        return mask_secrets(content) if self._settings.mask_secrets else content

    def _report(self, *, dry_run: bool) -> TakenIn:
        counts = self._counts
        return TakenIn(
            created=counts["created"] + counts["renamed"],
            known=counts["known"],
            forgotten=counts["forgotten"],
            renamed=counts["renamed"],
            bad=counts["bad"],
            problems=tuple(self._problems),
            format=self._format,
            entries=counts["entries"],
            dry_run=dry_run,
        )


def _opened(path: Path) -> TextIO:
    try:
        return path.open(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}") from error


def _next_batch(entries: Iterator[Entry]) -> list[Entry]:
    return list(islice(entries, BATCH_ENTRIES))
