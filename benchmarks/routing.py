"""Does a query take the right route: infrastructure, memory, hybrid, or none?

There are four sets of queries, all written out of the definitions of the routes and one line on
each pattern. All but `second` were written by others than those who tuned, `third` and `fourth` by
two writers each who did not know of each other; the sealed halves of the first three have been
counted a few times. `second` was written, before a trigger or an example was looked at, by the one
who tuned afterwards. A hash of the query divides them: what matches and routes was tuned while
looking at the open halves only. They go through the engine, with the shipped patterns and a store
with some memories, and nothing is run. A query counts as taking no route where no pattern matches
and the router is less than half sure that a recall is meant.
"""

import hashlib
import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

import anyio
from pydantic import JsonValue

from benchmarks.corpus import facts
from benchmarks.report import Table, arguments, show
from tmws_mcp import Settings, open_engine
from tmws_mcp.engine.engine import Engine
from tmws_mcp.model import ExecuteReply, Route, StoreRequest
from tmws_mcp.patterns.semantic.stage import LEARNING

FOLDER = Path(__file__).parent / "data"
DATA = {
    "first": FOLDER / "routes.jsonl",
    "second": FOLDER / "routes_later.jsonl",
    "third": FOLDER / "routes_third.jsonl",
    "fourth": FOLDER / "routes_fourth.jsonl",
}
MEMORIES = 50
NONE = "none"
ROUTES = (*get_args(Route), NONE)
HALVES = ("open", "sealed")
SURE = 0.5
WAITS_MAX = 60
ACCURACY_MIN = 0.95
"""Of each sealed half; the exit code says whether it is reached."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A query and the route that it should take."""

    query: str
    route: str
    set_: str = "first"

    @property
    def part(self) -> str:
        """Its set, and which half of it, whatever stands before and after it in the file."""
        half = HALVES[hashlib.sha256(self.query.encode()).digest()[0] % 2]
        return f"{self.set_}, {half}"


def read(set_: str) -> list[Labelled]:
    """Return the queries of a set."""
    rows = (json.loads(line) for line in DATA[set_].read_text("utf-8").splitlines() if line)
    return [Labelled(row["query"], row["route"], set_) for row in rows]


def taken(reply: ExecuteReply) -> str:
    """Return the route that a reply took, or that it took none."""
    return NONE if reply.pattern is None and reply.confidence < SURE else reply.route


async def learned(engine: Engine) -> None:
    """Wait until the examples are learned: each query that asks for them waits a moment."""
    for _ in range(WAITS_MAX):
        reply = await engine.pattern_execute({"query": "zebra", "dry_run": True})
        assert reply.explanation is not None
        if LEARNING not in reply.explanation.match:
            return
    sys.exit("the examples of the patterns were not learned in time")


async def measure(home: str, queries: Sequence[Labelled]) -> dict[str, JsonValue]:
    """Return the accuracy and the confusion matrix of each half of each set."""
    seen: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    settings = Settings.load({"TMWS_HOME": home, "TMWS_NAMESPACE": "benchmark"})
    async with open_engine(settings) as engine:
        await engine.store_memories([StoreRequest(content=text) for text in facts(MEMORIES)])
        await learned(engine)
        for labelled in queries:
            reply = await engine.pattern_execute({"query": labelled.query, "dry_run": True})
            seen[labelled.part][labelled.route, taken(reply)] += 1
    return {part: figures(seen[part]) for part in sorted(seen)}


def figures(counts: Mapping[tuple[str, str], int]) -> dict[str, JsonValue]:
    """Return what a half came to: by label, how often each route was taken."""
    total = sum(counts.values())
    right = sum(count for (label, route), count in counts.items() if label == route)
    matrix: dict[str, JsonValue] = {
        label: {route: counts.get((label, route), 0) for route in ROUTES} for label in ROUTES
    }
    return {"queries": total, "accuracy": round(right / total, 4), "taken_by_label": matrix}


def table(part: str, figures: JsonValue) -> Table:
    """Return the confusion matrix as people read it."""
    assert isinstance(figures, dict)
    matrix = figures["taken_by_label"]
    assert isinstance(matrix, dict)
    rows = []
    for label, row in matrix.items():
        assert isinstance(row, dict)
        rows.append((label, *map(str, row.values())))
    title = (
        f"{part.capitalize()} half: {figures['queries']} queries, accuracy {figures['accuracy']}"
    )
    return Table(title, ("should take", *ROUTES), rows)


def good_enough(found: Mapping[str, JsonValue]) -> bool:
    """Say whether the sealed halves are routed as well as is aimed at."""
    accuracies = [
        half["accuracy"]
        for part, half in found.items()
        if part.endswith("sealed") and isinstance(half, dict)
    ]
    return all(isinstance(one, float) and one >= ACCURACY_MIN for one in accuracies)


def main() -> int:
    """Measure; 1 if a sealed half is routed worse than is aimed at."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--open", action="store_true", help="only the halves to tune on")
    options = parser.parse_args()
    queries = [one for name in DATA for one in read(name)]
    if options.open:
        queries = [one for one in queries if one.part.endswith("open")]
    with tempfile.TemporaryDirectory() as home:
        found = anyio.run(partial(measure, home, queries))
    show(found, [table(part, found[part]) for part in found], as_json=options.json)
    return int(not good_enough(found))


if __name__ == "__main__":
    sys.exit(main())
