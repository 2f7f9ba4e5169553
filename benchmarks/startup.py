"""What does the server cost before it is asked anything: time, CPU and memory, beside a bare one?

The bare server is one tool on the same SDK (bare_server.py), so the difference is ours. Both are
started in turns within one run, since a busy machine slows both. Given are the least and the median
of the runs; CPU time is what the kernel counted for the process until it was killed at its answer.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import anyio
from pydantic import JsonValue

from benchmarks.corpus import facts
from benchmarks.process import BARE, TMWS, ServerProcess
from benchmarks.report import Table, arguments, show
from tmws_mcp import Settings, open_engine
from tmws_mcp.model import StoreRequest

RUNS = 15
MEMORIES = 10_000
WRITERS = 8
QUERY = "how long may retries of the importer pile up"
IDLE_SECONDS = 1.0
"""How long after the handshake a server is idle: what it loads in the background is loaded."""
MEGABYTE = 1_000_000

RATIO_MAX = 1.10
IDLE_MEGABYTES_MAX = 25.0
RECALL_MEGABYTES_MAX = 45.0


@dataclass(frozen=True)
class Start:
    """One start up to an answer."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Case:
    """A server, its settings, and the answer to wait for."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    until: Callable[[ServerProcess], object]


def handshake(server: ServerProcess) -> None:
    """Wait for the answer to `initialize`."""
    server.initialize()


def first_recall(server: ServerProcess) -> None:
    """Wait for the first memory that was recalled."""
    server.initialize()
    assert server.call("recall_memory", query=QUERY)["memories"]


def cases(environment: Mapping[str, str]) -> list[Case]:
    """Return what is timed."""
    lexical = {**environment, "TMWS_EMBEDDER": "none"}
    return [
        Case("bare server, initialize", BARE, {}, handshake),
        Case("tmws-mcp, initialize", TMWS, environment, handshake),
        Case("tmws-mcp, first recall, lexical", TMWS, lexical, first_recall),
        Case("tmws-mcp, first recall, semantic", TMWS, environment, first_recall),
    ]


def start(case: Case) -> Start:
    """Start a server, wait for the answer, kill it."""
    # An installed server finds its modules compiled; a shell that forbids it would double the time.
    environment = {**case.environment, "PYTHONDONTWRITEBYTECODE": ""}
    began = time.perf_counter()
    with ServerProcess(case.command, environment) as server:
        case.until(server)
        wall = time.perf_counter() - began
        return Start(wall, server.kill())


def timed(chosen: Sequence[Case], runs: int) -> dict[str, list[Start]]:
    """Start each case in turn, as often as asked, after one turn that warms the file cache."""
    for case in chosen:
        start(case)
    starts: dict[str, list[Start]] = {case.name: [] for case in chosen}
    for _ in range(runs):
        for case in chosen:
            starts[case.name].append(start(case))
    return starts


def memory_used(environment: Mapping[str, str]) -> dict[str, float]:
    """Return resident megabytes: of the bare server, of ours when idle, after a semantic recall."""
    with ServerProcess(BARE) as bare, ServerProcess(TMWS, environment) as ours:
        bare.initialize()
        ours.initialize()
        time.sleep(IDLE_SECONDS)
        used = {"bare": bare.rss_bytes(), "idle": ours.rss_bytes()}
        assert ours.call("recall_memory", query=QUERY)["tier"] == "hybrid"
        used["after a recall"] = ours.rss_bytes()
    return {name: size / MEGABYTE for name, size in used.items()}


async def fill(environment: Mapping[str, str], count: int) -> None:
    """Store the corpus, with its vectors, through the engine."""
    async with (
        open_engine(Settings.load(environment)) as engine,
        anyio.create_task_group() as group,
    ):
        texts = facts(count)

        async def writer(mine: Iterator[str]) -> None:
            for text in mine:
                await engine.store_memory(StoreRequest(content=text))

        for _ in range(WRITERS):
            group.start_soon(writer, texts)


def measure(environment: Mapping[str, str], *, runs: int, memories: int) -> dict[str, JsonValue]:
    """Return all figures."""
    anyio.run(fill, environment, memories)
    figures: dict[str, JsonValue] = {"memories": memories, "runs": runs}
    for name, starts in timed(cases(environment), runs).items():
        figures[name] = {
            f"{kind}_{what}_ms": round(1000 * pick([getattr(one, kind) for one in starts]), 1)
            for kind in ("wall", "cpu")
            for what, pick in (("min", min), ("median", statistics.median))
        }
    figures["resident_mb"] = {name: round(v, 1) for name, v in memory_used(environment).items()}
    return figures


def tables(figures: Mapping[str, JsonValue], names: Sequence[str]) -> list[Table]:
    """Return the figures as people read them."""
    columns = ("wall_min_ms", "wall_median_ms", "cpu_min_ms", "cpu_median_ms")
    bare = row_of(figures, names[0])
    times = [
        (name, *(f"{row[c]:.0f} ({row[c] / bare[c]:.2f} x)" for c in columns))
        for name in names
        for row in (row_of(figures, name),)
    ]
    used = row_of(figures, "resident_mb")
    space = [
        (name, f"{used[name]:.1f}", f"{used[name] - used['bare']:+.1f}", limit)
        for name, limit in (
            ("bare", ""),
            ("idle", f"{IDLE_MEGABYTES_MAX:+.0f}"),
            ("after a recall", f"{RECALL_MEGABYTES_MAX:+.0f}"),
        )
    ]
    title = f"From spawning to the answer, ms, {figures['runs']} runs each (beside the bare server)"
    heads = ("", "wall min", "median", "CPU min", "median")
    full = f"Resident memory, MB, on a store of {figures['memories']} memories"
    return [
        Table(title, heads, times),
        Table(full, ("", "resident", "beyond bare", "allowed"), space),
    ]


def row_of(figures: Mapping[str, JsonValue], name: str) -> dict[str, float]:
    """Return the numbers under a name."""
    row = figures[name]
    assert isinstance(row, dict)
    return {key: float(str(value)) for key, value in row.items()}


def within_limits(figures: Mapping[str, JsonValue], names: Sequence[str]) -> bool:
    """Say whether starting and memory stay within what we promise."""
    bare, ours = row_of(figures, names[0]), row_of(figures, names[1])
    used = row_of(figures, "resident_mb")
    return (
        all(ours[c] <= RATIO_MAX * bare[c] for c in ("wall_min_ms", "cpu_min_ms"))
        and used["idle"] - used["bare"] <= IDLE_MEGABYTES_MAX
        and used["after a recall"] - used["bare"] <= RECALL_MEGABYTES_MAX
    )


def main() -> int:
    """Measure on a store of its own; 1 if a limit is exceeded."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--memories", type=int, default=MEMORIES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        environment = {"TMWS_HOME": home, "TMWS_NAMESPACE": "benchmark"}
        names = [case.name for case in cases(environment)]
        figures = measure(environment, runs=options.runs, memories=options.memories)
    show(figures, tables(figures, names), as_json=options.json)
    return int(not within_limits(figures, names))


if __name__ == "__main__":
    sys.exit(main())
