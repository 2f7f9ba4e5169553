"""What executions cost and brought, counted in memory and written down now and then.

Nothing on the way of a call touches the store: counts are added up here, and written with the
round of maintenance and at the end. A process that is killed loses those of its last minute.
"""

import re
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tmws_mcp.engine.histogram import bucket, quantile
from tmws_mcp.engine.insight import CACHE, FEEDBACK, PATTERN
from tmws_mcp.engine.slowness import Slowness
from tmws_mcp.errors import StoreError
from tmws_mcp.measures import Measures
from tmws_mcp.model import ExecuteReply, ExecuteRequest, ObserveRequest, StepReport
from tmws_mcp.router.features import Cost
from tmws_mcp.store import figures as table
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.figures import Thing
from tmws_mcp.telemetry import get_logger

if TYPE_CHECKING:
    from tmws_mcp.model import Route

DAY_SECONDS = 86_400
COSTS_DAYS = 14
"""What the router weighs: older figures tell of another catalogue and another store."""
THINGS_MAX = 2_000
"""Waiting to be written; what comes after them is not counted."""
AGAIN_SECONDS_MAX = 120.0
"""Whoever asks the same again so soon has not got what was wanted."""
ASKED_KEPT_MAX = 1_000
PATTERN_ID = re.compile(r"(?:infrastructure|memory|hybrid)\.[a-z][a-z0-9_]{0,59}")
NO_PATTERN = "none"

log = get_logger("figures")


@dataclass(frozen=True, slots=True)
class Period:
    """What was counted between two days."""

    first: int
    last: int
    counted: Mapping[Thing, Counter[str]]


class Figures:
    """The counts of this process, and what the store holds of all."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._waiting: dict[Thing, Counter[str]] = {}
        self._held: dict[Thing, Counter[str]] | None = None
        self._asked: OrderedDict[tuple[str, str, str], float] = OrderedDict()
        self._levels: dict[str, Counter[str]] = {}
        self._costs: dict[str | None, dict[Route, Cost]] = {}
        self.generation = 0
        """Rises when the costs are read anew."""
        self.slowness = Slowness()
        self.measures = Measures()
        """The same for whoever measures from outside."""
        self.caches: dict[str, Callable[[], Mapping[str, int]]] = {}
        """What counts how often a cache served: hits, misses, again_missed."""

    def executed(self, request: ExecuteRequest, reply: ExecuteReply) -> None:
        """Count an execution."""
        name = _named(reply.pattern, reply.route)
        counts = {"runs": 1, "tokens": reply.tokens, "saved": reply.tokens_saved}
        if reply.cached:
            counts |= {f"kept_{reply.cached}": 1, bucket("kept", reply.ms): 1}
        else:
            failed = int(any(_failed(step) for step in reply.steps))
            counts |= {"made": 1, bucket("us", reply.ms): 1, "failed": failed}
            self.slowness.note(name, reply.ms, self._clock())
        if memories := _recalled(reply):
            counts |= {"recalled": 1, "found": int(any(memories))}
        counts["again"] = int(self._is_again(request))
        self.count(PATTERN, name, counts)
        kept = reply.cached or "made"
        self.measures.time("execution", reply.ms / 1000, route=reply.route, kept=kept)
        self.measures.count("tokens", reply.tokens, what="used")
        self.measures.count("tokens", reply.tokens_saved, what="saved")

    def failed(self, pattern: str | None, route: str, ms: float) -> None:
        """Count an execution that brought nothing but an error."""
        counts = {"runs": 1, "made": 1, "failed": 1, bucket("us", ms): 1}
        self.count(PATTERN, _named(pattern, route), counts)
        self.measures.count("execution_errors", route=route)

    def observed(self, request: ObserveRequest) -> None:
        """Count what an observation says of a pattern that it names as its method or tool."""
        for step in (request, *request.interactions):
            name = next(filter(PATTERN_ID.fullmatch, (step.method, step.tool_used)), None)
            if name:
                self.count(PATTERN, f"{name}/{FEEDBACK}", {"judged": 1, "good": int(step.success)})

    def count(self, kind: str, name: str, counts: Mapping[str, int]) -> None:
        """Add to the counts of a thing."""
        thing = (kind, name)
        waiting = self._waiting.get(thing)
        if waiting is None:
            if len(self._waiting) >= THINGS_MAX:
                return
            waiting = self._waiting[thing] = Counter()
        for what, n in counts.items():  # what Counter.update does, at half the time
            waiting[what] += n

    def _count_caches(self) -> None:
        """Count by how much the counters of the caches have risen since they were last asked."""
        for name, told in self.caches.items():
            now = Counter(told())
            risen = now - self._levels.get(name, Counter())
            self._levels[name] = now
            if risen:
                self.count(CACHE, name, risen)

    @property
    def waiting(self) -> int:
        """Things whose counts are not written yet."""
        return len(self._waiting)

    async def write_down(self, store: Database) -> None:
        """Add the counts to the store's; what fails is logged and lost."""
        self._count_caches()
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        try:
            self._take(await store.write(_exchange, self.today, waiting))
        except StoreError as error:
            log.info("figures.not_written", error=type(error).__name__)

    async def period(self, store: Database, first: int, last: int) -> Period:
        """Return what was counted from one day to another, what waits here included."""
        self._count_caches()
        held = await store.read(table.between, first, last)
        return Period(first, last, _with(held, self._waiting) if last >= self.today else held)

    async def load(self, store: Database) -> None:
        """Read what the store holds, once."""
        if self._held is None:
            self._take(await store.read(table.between, self.today - COSTS_DAYS, self.today))

    def _take(self, held: dict[Thing, Counter[str]]) -> None:
        self._held, self._costs = held, {}
        self.generation += 1

    def costs(self, pattern: str | None) -> "dict[Route, Cost]":
        """Return what each route of a pattern has cost and brought, as of the last writing down."""
        if pattern not in self._costs:
            self._costs[pattern] = _costs(self._held or {}, pattern)
        return self._costs[pattern]

    @property
    def today(self) -> int:
        """Days since 1970."""
        return int(self._clock() // DAY_SECONDS)

    def _is_again(self, request: ExecuteRequest) -> bool:
        """Whether the same was asked here a short while ago."""
        key, now = (request.namespace, request.mode, request.query.casefold()), self._clock()
        before = self._asked.pop(key, None)
        self._asked[key] = now
        while len(self._asked) > ASKED_KEPT_MAX:
            self._asked.popitem(last=False)
        return before is not None and now - before <= AGAIN_SECONDS_MAX


def _costs(held: Mapping[Thing, Counter[str]], pattern: str | None) -> "dict[Route, Cost]":
    found: dict[Route, Cost] = {}
    told = held.get((PATTERN, f"{pattern}/{FEEDBACK}"), Counter())
    routes: tuple[Route, ...] = ("infrastructure", "memory", "hybrid")
    for route in routes:
        counts = held.get((PATTERN, _named(pattern, route)), Counter())
        if counts["made"]:
            found[route] = cost(counts + told)
    return found


def cost(counts: Mapping[str, int]) -> Cost:
    """Return what the runs of a route cost on average, and how often they were of use.

    A run is of use where its memory part found something; being asked the same again soon, and
    being told that it did not help, take from it.
    """
    bag = Counter(counts)
    useful = bag["found"] - bag["again"] - (bag["judged"] - bag["good"])
    return Cost(
        runs=bag["runs"],
        tokens=bag["tokens"] / max(bag["runs"], 1),
        milliseconds=quantile(bag, "us", 0.5) or 0.0,
        useful=max(0.0, useful / bag["recalled"]) if bag["recalled"] else 0.0,
    )


def _exchange(
    db: Connection, day: int, waiting: Mapping[Thing, Mapping[str, int]]
) -> dict[Thing, Counter[str]]:
    table.add(db, day, waiting)
    return table.between(db, day - COSTS_DAYS, day)


def _with(
    held: Mapping[Thing, Counter[str]], waiting: Mapping[Thing, Counter[str]]
) -> dict[Thing, Counter[str]]:
    total = {thing: Counter(counts) for thing, counts in held.items()}
    for thing, counts in waiting.items():
        total.setdefault(thing, Counter()).update(counts)
    return total


def _named(pattern: str | None, route: str) -> str:
    return f"{pattern or NO_PATTERN}/{route}"


def _recalled(reply: ExecuteReply) -> list[list[object]]:
    """Return the memories of each recall of a reply."""
    results = reply.result if isinstance(reply.result, dict) else {}
    values = (value.get("memories") for value in results.values() if isinstance(value, dict))
    return [list(memories) for memories in values if isinstance(memories, list)]


def _failed(step: StepReport) -> bool:
    """What was not run has not failed."""
    return not step.ok and step.ran is not False
