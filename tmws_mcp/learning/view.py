"""What the store has counted, as the experts of one namespace see it within a transaction.

The same contexts are asked for again and again while a session runs, and they change only when a
run ends. So they are kept on a shelf that outlives the transaction, under the generation number
that they were read at; what was read under an older one is never looked at again.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar, cast

from tmws_mcp.learning.weights import Known, Weights
from tmws_mcp.store import evidence, namespaces, tasks
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context, Tally
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


class Read(NamedTuple):
    """Key of what was read as it stands: the followers of a context."""

    kind: str
    key: str


@dataclass(slots=True)
class Entries:
    """What is known of one namespace at one generation."""

    read: dict[Read, Mapping[str, int]] = field(default_factory=dict)
    """Contexts as they are counted."""
    made: dict[Hashable, Any] = field(default_factory=dict)
    """What was made of contexts, runs and tasks."""

    def __len__(self) -> int:
        return len(self.read) + len(self.made)


_NOTHING: Mapping[str, int] = {}


def near_key(task: str) -> Hashable:
    """Return the key that the tasks near a task are kept under."""
    return (NEAR, task)


def _is(kind: str, key: Hashable) -> bool:
    return isinstance(key, tuple) and key[0] == kind


def runs_key(task: int) -> Hashable:
    """Return the key that the runs of a task are kept under."""
    return (RUNS, task)


def _counted_on(
    before: Mapping[Read, Mapping[str, int]], changed: Mapping[Context, int]
) -> dict[Read, Mapping[str, int]]:
    """Return the contexts that were read and are counted now, each as it would be read again."""
    counted: dict[Read, dict[str, int]] = {}
    for (kind, key, action), n in changed.items():
        place = Read(kind, key)
        if (read := before.get(place)) is not None:
            actions = counted.setdefault(place, dict(read))
            actions[action] = actions.get(action, 0) + n
    return {place: dict(sorted(actions.items())) for place, actions in counted.items()}


def _read_next(
    read: dict[Read, Mapping[str, int]], counted: Mapping[Read, Mapping[str, int]]
) -> dict[Read, Mapping[str, int]]:
    """Return the contexts as they stand after a change, in a dict of their own.

    Who still reads the store as it was adds to the old one, and must not add to this.
    """
    known = dict(read)
    for place, actions in counted.items():
        if len(actions) < evidence.ACTIONS_READ_MAX:
            known[place] = actions
        else:
            del known[place]  # a longer one is cut where it is read
    return known


class Shelf:
    """What a process has read of the counts of one store; threads may share it."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[int, Entries]] = {}
        self._promised: dict[int, tuple[int, Entries]] = {}
        self._weights: dict[int, tuple[int, Known]] = {}
        self._promised_weights: dict[int, tuple[int, Known]] = {}

    def entries(self, ns: int, generation: int) -> Entries:
        """Return what was read of the namespace at this generation, to look at and to add to."""
        found = self._kept.get(ns)
        if found is not None and found[0] == generation and len(found[1]) < ENTRIES_MAX:
            return found[1]
        if len(self._kept) >= NAMESPACES_MAX:
            self._kept = {}
        entries = Entries()
        self._kept[ns] = (generation, entries)
        return entries

    def begin(self) -> None:
        """Forget what was promised by a transaction that never committed."""
        self._promised, self._promised_weights = {}, {}

    def promise(self, ns: int, generation: int, entries: Entries) -> None:
        """Hold ready what will be true at this generation, once its transaction has committed."""
        self._promised = {ns: (generation, entries)}

    def weights(self, ns: int, generation: int) -> Known:
        """Return what was read of the namespace's weights at this generation of its outcomes."""
        found = self._weights.get(ns)
        if found is not None and found[0] == generation:
            return found[1]
        if len(self._weights) >= NAMESPACES_MAX:
            self._weights = {}
        known = Known()
        self._weights[ns] = (generation, known)
        return known

    def promise_weights(self, ns: int, generation: int, known: Known) -> None:
        """Hold ready the weights that will be true at this generation."""
        self._promised_weights = {ns: (generation, known)}

    def confirm(self) -> None:
        """Take over what was promised: the transaction has committed.

        Of one that fails nothing is confirmed: another may use its generation number for other
        counts.
        """
        promised, self._promised = self._promised, {}
        self._kept |= promised
        weights, self._promised_weights = self._promised_weights, {}
        self._weights |= weights


class View:
    """The counts of one namespace."""

    def __init__(self, db: Connection, ns: int, shelf: Shelf | None = None) -> None:
        self.db = db
        self.ns = ns
        self._shelf = shelf
        self._entries = Entries()
        self._tallies: dict[tuple[str, str], dict[str, Tally]] = {}
        self._learned = -1
        """Generation of the outcomes; -1 where nothing may be kept of them."""
        if shelf is not None:
            generations = namespaces.generations(db, ns)
            self._entries = shelf.entries(ns, generations.get(AREA, 0))
            self._learned = generations.get(LEARNING, 0)
        self._made_before = self._entries.made

    def detach(self) -> None:
        """Read runs afresh from now on: this transaction changes what others still see as it was.

        Contexts stay as they were read: what is added to them is written last.
        """
        self._entries = Entries(self._entries.read)
        self._learned = -1

    def weights(self) -> Weights:
        """Return the weights of the experts."""
        if self._shelf is None or self._learned < 0:
            return Weights(self.db, self.ns)
        return Weights(self.db, self.ns, known=self._shelf.weights(self.ns, self._learned))

    def observed(self, known: Known) -> None:
        """Move the generation of the outcomes; these will be the weights then."""
        generation = namespaces.touch(self.db, self.ns, LEARNING)
        if self._shelf is not None:
            self._shelf.promise_weights(self.ns, generation, known)

    def last_case(self) -> object:
        """Return what was put down for the case that was asked about last, None if counts moved.

        More than `recent`: it holds for the outcomes too, which move with each observation.
        """
        found = self._entries.made.get(LAST_CASE)
        generation, said = cast("tuple[int, object]", found or (-1, None))
        return said if generation == self._learned >= 0 else None

    def put_case(self, said: object) -> None:
        """Put down what is to be found again until the next observation."""
        if self._learned >= 0:
            self._entries.made[LAST_CASE] = (self._learned, said)

    def move(
        self, changed: Mapping[Context, int], ended: Collection[int], *, pruned: bool = False
    ) -> None:
        """Move the generation: so much was added to contexts, and runs of these tasks ended.

        What was read is counted on instead of read again, unless rows were pruned. What was made
        out of it is made anew, unless nothing of it has changed; which tasks are near depends on
        all tasks.
        """
        generation = namespaces.touch(self.db, self.ns, AREA)
        if self._shelf is None:
            return
        read = {} if pruned else self._entries.read
        counted = _counted_on(read, changed)
        made = {} if pruned else self._still_made(ended, counted=bool(counted))
        known = _read_next(read, counted) if changed else read
        self._shelf.promise(self.ns, generation, Entries(known, made))

    def _still_made(self, ended: Collection[int], *, counted: bool) -> dict[Hashable, Any]:
        before = self._made_before
        gone = {runs_key(task) for task in ended}
        unchanged = not counted and gone.isdisjoint(before)
        return {
            key: made
            for key, made in before.items()
            if (key not in gone if _is(RUNS, key) else unchanged and not _is(NEAR, key))
        }

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what was made of the counts under this key, made now if it was not yet."""
        found = self._entries.made.get(key)
        if found is None:
            found = self._entries.made[key] = make()
        return cast("T", found)

    def recent(self, key: Hashable, make: Callable[[], T], *, most: int = RECENT_MAX) -> T:
        """Return what was made of the counts for a case, which is asked about again shortly.

        An agent asks what to do, does it, and observes it: one case, looked at twice. Those with
        the same bound share it.
        """
        cases = self.kept((RECENT, most), dict[Hashable, T])
        if (found := cases.get(key)) is not None:
            return found
        if len(cases) >= most:
            cases.clear()
        made = cases[key] = make()
        return made

    def followers(self, kind: str, keys: Sequence[str]) -> list[Mapping[str, int]]:
        """Return for each context which actions followed it, and how often."""
        entries = self._entries.read
        places = [Read(kind, key) for key in keys]
        missing = [place.key for place in places if place not in entries]
        if missing:
            found = evidence.followers(self.db, self.ns, kind, missing)
            for key in missing:
                entries[Read(kind, key)] = found.get(key, _NOTHING)
        return [entries[place] for place in places]

    def tallies(self, kind: str, key: str) -> dict[str, Tally]:
        """Return how well each action went in a context; a transaction writes outcomes last."""
        found = self._tallies.get((kind, key))
        if found is None:
            found = self._tallies[kind, key] = evidence.tallies(self.db, self.ns, kind, key)
        return found

    def runs(self, task: int) -> tuple[Run, ...]:
        """Return the newest runs for a task."""
        return self.kept(runs_key(task), lambda: tasks.runs(self.db, task, RUNS_EACH))

    def runs_of(self, near: Iterable[tuple[int, float]]) -> list[tuple[float, Run]]:
        """Return the runs of tasks with the likeness of their task."""
        return [(likeness, run) for task, likeness in near for run in self.runs(task)]
