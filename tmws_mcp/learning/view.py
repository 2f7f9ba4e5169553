"""What the store has counted, as the experts of one namespace see it within a transaction.

The same contexts are asked for again and again while a session runs, and they change only when a
run ends. So they are kept on a shelf that outlives the transaction, under the generation number
that they were read at; what was read under an older one is never looked at again.
"""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from tmws_mcp.learning.outcomes import Counts, Outcomes
from tmws_mcp.learning.reading import Read, counted_on
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


class Kept(Generic[T]):
    """The newest known state of a few namespaces, each under the generation it was read at."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._states: dict[int, tuple[int, T]] = {}
        self._promised: dict[int, tuple[int, T]] = {}

    def shared(self) -> "Kept[T]":
        """Return the same states, with promises of their own."""
        other = Kept(self._make)
        other._states = self._states
        return other

    def at(self, ns: int, generation: int) -> T:
        """Return what was read of the namespace at this generation, to look at and to add to."""
        found = self._states.get(ns)
        if found is not None and found[0] == generation:
            return found[1]
        return self.renewed(ns, generation)

    def renewed(self, ns: int, generation: int) -> T:
        """Return a state in which nothing was read yet."""
        if len(self._states) >= NAMESPACES_MAX:
            self._states.clear()
        state = self._make()
        self._states[ns] = (generation, state)
        return state

    def promise(self, ns: int, generation: int, state: T) -> None:
        """Hold ready what will be true at this generation, once its transaction has committed."""
        self._promised = {ns: (generation, state)}

    def forget_promises(self) -> None:
        """Forget what a transaction has promised that never committed."""
        self._promised = {}

    def confirm(self) -> None:
        """Take over what was promised, unless more is known by now."""
        promised, self._promised = self._promised, {}
        for ns, (generation, state) in promised.items():
            known = self._states.get(ns)
            if known is None or known[0] <= generation:
                self._states[ns] = (generation, state)


class Shelf:
    """What a process has read of the counts of one store; threads may share it."""

    def __init__(self, of: "Shelf | None" = None) -> None:
        self.contexts: Kept[Entries] = Kept(Entries) if of is None else of.contexts.shared()
        self.weights: Kept[Known] = Kept(Known) if of is None else of.weights.shared()
        self.outcomes: Kept[Counts] = Kept(Counts) if of is None else of.outcomes.shared()
        self._all: tuple[Kept[Any], ...] = (self.contexts, self.weights, self.outcomes)

    def for_one(self) -> "Shelf":
        """Return the shelf for one transaction.

        It confirms its own promises alone: the next one may have begun before it comes to that.
        """
        return Shelf(self)

    def entries(self, ns: int, generation: int) -> Entries:
        """Return the contexts at this generation; when there are too many, they are read again."""
        found = self.contexts.at(ns, generation)
        return self.contexts.renewed(ns, generation) if len(found) >= ENTRIES_MAX else found

    def begin(self) -> None:
        """Forget what was promised by a transaction that never committed."""
        for kept in self._all:
            kept.forget_promises()

    def confirm(self) -> None:
        """Take over what was promised: the transaction has committed.

        Of one that fails nothing is confirmed: another may use its generation number for other
        counts.
        """
        for kept in self._all:
            kept.confirm()


class View:
    """The counts of one namespace."""

    def __init__(
        self,
        db: Connection,
        ns: int,
        shelf: Shelf | None = None,
        generations: Mapping[str, int] | None = None,
    ) -> None:
        """`generations` are those of the namespace, for those who have read them already."""
        self.db = db
        self.ns = ns
        self._shelf = shelf
        self._entries, counts = Entries(), Counts()
        self._learned = -1
        """Generation of the outcomes; -1 where nothing may be kept of them."""
        if shelf is not None:
            found = namespaces.generations(db, ns) if generations is None else generations
            self._entries = shelf.entries(ns, found.get(AREA, 0))
            self._learned = found.get(LEARNING, 0)
            counts = shelf.outcomes.at(ns, self._learned)
        self._made_before = self._entries.made
        self.outcomes = Outcomes(db, ns, counts)

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
        return Weights(self.db, self.ns, known=self._shelf.weights.at(self.ns, self._learned))

    def observed(self, weights: Known, counts: Counts) -> None:
        """Move the generation of the outcomes; these will be weights and counts then."""
        generation = namespaces.touch(self.db, self.ns, LEARNING)
        if self._shelf is not None:
            self._shelf.weights.promise(self.ns, generation, weights)
            self._shelf.outcomes.promise(self.ns, generation, counts)

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
        counted = counted_on(read, changed)
        made = {} if pruned else self._still_made(ended, counted=bool(counted))
        known = _read_next(read, counted) if changed else read
        self._shelf.contexts.promise(self.ns, generation, Entries(known, made))

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

    def tallies(self, kind: str, key: str) -> Mapping[str, Tally]:
        """Return how well each action went in a context."""
        return self.outcomes.tallies(kind, key)

    def runs(self, task: int) -> tuple[Run, ...]:
        """Return the newest runs for a task."""
        return self.kept(runs_key(task), lambda: tasks.runs(self.db, task, RUNS_EACH))

    def runs_of(self, near: Sequence[tuple[int, float]]) -> list[tuple[float, Run]]:
        """Return the runs of tasks with the likeness of their task."""
        made = self._entries.made
        if missing := [task for task, _ in near if runs_key(task) not in made]:
            for task, found in tasks.runs_of(self.db, missing, RUNS_EACH).items():
                made[runs_key(task)] = found
        return [(likeness, run) for task, likeness in near for run in self.runs(task)]
