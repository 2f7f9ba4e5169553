"""What the store has counted, as the experts of one namespace see it within a transaction.

The same contexts are asked for again and again while a session runs, and they change only when a
run ends. So they are kept on a shelf that outlives the transaction, under the generation number
that they were read at; what was read under an older one is never looked at again.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar, cast

from tmws_mcp.store import evidence, namespaces, tasks
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Tally
from tmws_mcp.store.tasks import Run

LEARNING = "learning"
"""The generation that moves with each observation."""
AREA = "contexts"
"""The generation that moves when a run's contexts are counted or a task is new."""
ENTRIES_MAX = 20_000
NAMESPACES_MAX = 8
RUNS_EACH = 12

RUNS, NEAR = "runs", "near"
LAST_CASE = "last case"
RECENT = "recent"
RECENT_MAX = 64
"""Each may hold a share for each of thousands of tools."""

T = TypeVar("T")
Entries = dict[Hashable, object]


class Read(NamedTuple):
    """Key of what was read as it stands: a context, or the runs of a task."""

    kind: str
    key: str


_NOTHING: Mapping[str, int] = {}


def near_key(task: str) -> Hashable:
    """Return the key that the tasks near a task are kept under."""
    return (NEAR, task)


def _is_near(key: Hashable) -> bool:
    return isinstance(key, tuple) and key[0] == NEAR


class Shelf:
    """What a process has read of the counts of one store; threads may share it."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[int, Entries]] = {}
        self._promised: dict[int, tuple[int, Entries]] = {}

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

    def promise(self, ns: int, generation: int, entries: Entries) -> None:
        """Hold ready what will be true at this generation, once its transaction has committed."""
        self._promised = {ns: (generation, entries)}

    def confirm(self) -> None:
        """Take over what was promised: the transaction has committed.

        Of one that fails nothing is confirmed: another may use its generation number for other
        counts.
        """
        promised, self._promised = self._promised, {}
        self._kept |= promised


class View:
    """The counts of one namespace."""

    def __init__(self, db: Connection, ns: int, shelf: Shelf | None = None) -> None:
        self.db = db
        self.ns = ns
        self._shelf = shelf
        self._entries: Entries = {}
        self._tallies: dict[Read, dict[str, Tally]] = {}
        self._learned = -1
        """Generation of the outcomes; -1 where nothing may be kept of them."""
        if shelf is not None:
            generations = namespaces.generations(db, ns)
            self._entries = shelf.entries(ns, generations.get(AREA, 0))
            self._learned = generations.get(LEARNING, 0)
        self._read_before = self._entries

    def detach(self) -> None:
        """Read afresh from now on: this transaction changes what others still see as it was."""
        self._entries = {}
        self._learned = -1

    def last_case(self) -> object:
        """Return what was put down for the case that was asked about last, None if counts moved.

        More than `recent`: it holds for the outcomes too, which move with each observation.
        """
        found = self._entries.get(LAST_CASE)
        generation, said = cast("tuple[int, object]", found or (-1, None))
        return said if generation == self._learned >= 0 else None

    def put_case(self, said: object) -> None:
        """Put down what is to be found again until the next observation."""
        if self._learned >= 0:
            self._entries[LAST_CASE] = (self._learned, said)

    def move(self, changed: Iterable[tuple[str, str, str]], ended: Collection[int]) -> None:
        """Move the generation: these contexts were counted, and runs of these tasks ended.

        The rest of what was read stays true; what was made out of it is made anew, unless nothing
        of it has changed. Which tasks are near depends on all tasks.
        """
        namespaces.touch(self.db, self.ns, AREA)
        if self._shelf is None:
            return
        stale: set[Hashable] = {Read(kind, key) for kind, key, _ in changed}
        stale |= {Read(RUNS, str(task)) for task in ended}
        before = self._read_before
        still_true = stale.isdisjoint(before)
        kept: Entries = {
            key: value
            for key, value in before.items()
            if (key not in stale if isinstance(key, Read) else still_true and not _is_near(key))
        }
        generation = namespaces.generation(self.db, self.ns, AREA)
        self._shelf.promise(self.ns, generation, kept)

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what was made of the counts under this key, made now if it was not yet."""
        found = self._entries.get(key)
        if found is None:
            found = self._entries[key] = make()
        return cast("T", found)

    def recent(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what was made of the counts for a case, which is asked about again shortly.

        An agent asks what to do, does it, and observes it: one case, looked at twice.
        """
        cases = self.kept(RECENT, dict[Hashable, T])
        if (found := cases.get(key)) is not None:
            return found
        if len(cases) >= RECENT_MAX:
            cases.clear()
        made = cases[key] = make()
        return made

    def followers(self, kind: str, keys: Sequence[str]) -> list[Mapping[str, int]]:
        """Return for each context which actions followed it, and how often."""
        entries = self._entries
        places = [Read(kind, key) for key in keys]
        missing = [place.key for place in places if place not in entries]
        if missing:
            found = evidence.followers(self.db, self.ns, kind, missing)
            for key in missing:
                entries[Read(kind, key)] = found.get(key, _NOTHING)
        return [cast("Mapping[str, int]", entries[place]) for place in places]

    def tallies(self, kind: str, key: str) -> dict[str, Tally]:
        """Return how well each action went in a context; a transaction writes outcomes last."""
        place = Read(kind, key)
        found = self._tallies.get(place)
        if found is None:
            found = self._tallies[place] = evidence.tallies(self.db, self.ns, kind, key)
        return found

    def runs(self, task: int) -> tuple[Run, ...]:
        """Return the newest runs for a task."""
        return self.kept(Read(RUNS, str(task)), lambda: tasks.runs(self.db, task, RUNS_EACH))

    def runs_of(self, near: Iterable[tuple[int, float]]) -> list[tuple[float, Run]]:
        """Return the runs of tasks with the likeness of their task."""
        return [(likeness, run) for task, likeness in near for run in self.runs(task)]
