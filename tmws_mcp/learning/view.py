"""What the store has counted, as the experts of one namespace see it within a transaction.

The same contexts are asked for again and again while a session runs, and they change only when a
run ends. So they are kept on a shelf that outlives the transaction, under the generation number
that they were read at; what was read under an older one is never looked at again.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar, cast

from tmws_mcp.store import evidence, namespaces, tasks
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.tasks import Run

AREA = "contexts"
"""The generation that moves when a run's contexts are counted or a task is new."""
ENTRIES_MAX = 20_000
NAMESPACES_MAX = 8
RUNS_EACH = 12

T = TypeVar("T")
Entries = dict[Hashable, object]
_NOTHING: Mapping[str, int] = {}


class Shelf:
    """What a process has read of the counts of one store; threads may share it."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[int, Entries]] = {}

    def entries(self, ns: int, generation: int) -> Entries:
        """Return what was read of the namespace at this generation, to look at and to add to."""
        found = self._kept.get(ns)
        if found is not None and found[0] == generation and len(found[1]) < ENTRIES_MAX:
            return found[1]
        if len(self._kept) >= NAMESPACES_MAX:
            self._kept = {}
        entries: Entries = {}
        self._kept[ns] = (generation, entries)
        return entries


class View:
    """The counts of one namespace."""

    def __init__(self, db: Connection, ns: int, shelf: Shelf | None = None) -> None:
        self.db = db
        self.ns = ns
        self._entries: Entries = {}
        if shelf is not None:
            generation = namespaces.generation(db, ns, AREA)
            self._entries = shelf.entries(ns, generation)

    def detach(self) -> None:
        """Read afresh from now on: this transaction changes what others still see as it was."""
        self._entries = {}

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what was made of the counts under this key, made now if it was not yet."""
        found = self._entries.get(key)
        if found is None:
            found = self._entries[key] = make()
        return cast("T", found)

    def followers(self, kind: str, keys: Sequence[str]) -> list[Mapping[str, int]]:
        """Return for each context which actions followed it, and how often."""
        entries = self._entries
        missing = [key for key in keys if (kind, key) not in entries]
        if missing:
            found = evidence.followers(self.db, self.ns, kind, missing)
            for key in missing:
                entries[kind, key] = found.get(key, _NOTHING)
        return [cast("Mapping[str, int]", entries[kind, key]) for key in keys]

    def runs(self, task: int) -> tuple[Run, ...]:
        """Return the newest runs for a task."""
        return self.kept(("runs", task), lambda: tasks.runs(self.db, task, RUNS_EACH))

    def runs_of(self, near: Iterable[tuple[int, float]]) -> list[tuple[float, Run]]:
        """Return the runs of tasks with the likeness of their task."""
        return [(likeness, run) for task, likeness in near for run in self.runs(task)]
