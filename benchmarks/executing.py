"""What does an execution of a pattern cost, through the engine and through a client over stdio?

A store of 10,000 made-up facts and a small git repository are the ground. Each kind of query is
asked many times, the kinds taking turns, every query a new one. Then a kept answer is asked for:
while nobody writes, and right after somebody has. Over stdio a server with a single tool on the
same SDK (bare_server.py) takes its turn: what a round trip costs beyond that is ours.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import anyio
from pydantic import JsonValue

from benchmarks.corpus import PARTS, THINGS
from benchmarks.memory import queries
from benchmarks.process import BARE, ServerProcess
from benchmarks.report import Table, arguments, show
from benchmarks.scale import fill
from tmws_mcp import Settings, open_engine
from tmws_mcp.engine.engine import Engine
from tmws_mcp.model import ExecuteReply

MEMORIES, CALLS = 10_000, 200
NAMESPACE = "executing"
AT_ONCE = 8
"""Callers of the row of requests a second."""
CACHED = "recall what Ada said of the port of the billing"
HYBRID = """
id: hybrid.measured
route: hybrid
summary: An action beside a recall
triggers: {regex: ['^state and notes on (?P<topic>.+)$']}
examples: {match: [state and notes on ports]}
steps:
  - {name: now, action: workspace.state}
  - {name: noted, recall: "{topic}", limit: 5}
"""
AIMS_MS = {
    "infrastructure": 2.0,
    "memory": 15.0,
    "hybrid, beyond its slower part": 2.0,
    "cached": 0.1,
}
CACHED_BEYOND_BARE_MS = 0.3

Times = dict[str, list[float]]


def asked(calls: int) -> dict[str, list[str]]:
    """Return the queries of each kind."""
    about = [f"the {thing} of the {part}" for thing in THINGS for part in PARTS]
    words = [text for text in queries(2 * calls, MEMORIES) if not text.startswith("TKT")]
    return {
        "infrastructure": [f"calculate {n} * {n + 7}" for n in range(calls)],
        "memory": [f"recall {text} {n}" for n, text in enumerate(words[:calls])],
        "hybrid": [f"state and notes on {about[n % len(about)]} in {n}" for n in range(calls)],
    }


async def in_process(engine: Engine, wanted: Mapping[str, Sequence[str]]) -> dict[str, JsonValue]:
    """Return what each kind costs through the engine."""
    for query in warming(wanted):
        await engine.pattern_execute({"query": query})
    times: Times = {kind: [] for kind in wanted}
    beyond: list[float] = []
    used = dict.fromkeys(wanted, 0.0)
    for turn in zip(*wanted.values(), strict=True):
        for kind, query in zip(wanted, turn, strict=True):
            cpu, began = time.process_time(), time.perf_counter()
            reply = await engine.pattern_execute({"query": query})
            times[kind].append(1000 * (time.perf_counter() - began))
            used[kind] += 1000 * (time.process_time() - cpu)
            _check(kind, reply)
            if kind == "hybrid":
                beyond.append(times[kind][-1] - max(step.ms for step in reply.steps))
    rows = {kind: shown(of) | {"cpu_ms": _mean(used[kind], of)} for kind, of in times.items()}
    found: dict[str, JsonValue] = {kind: dict(row) for kind, row in rows.items()}
    return found | {"hybrid, beyond its slower part": dict(shown(beyond))}


def warming(wanted: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a query of each kind that is not measured: the first ones load what they need."""
    return [queries_of[0].replace(" 0", " 1000000") for queries_of in wanted.values()]


def _check(kind: str, reply: ExecuteReply) -> None:
    """What is measured must be what the row says."""
    assert not reply.cached, reply.pattern
    assert all(step.ok for step in reply.steps), reply.steps
    assert reply.route == kind, (kind, reply.pattern, reply.route)


async def kept(engine: Engine, calls: int) -> dict[str, JsonValue]:
    """Return what a kept answer costs while nobody writes, and right after somebody has."""
    await engine.pattern_execute({"query": CACHED})
    rows: dict[str, JsonValue] = {}
    for name, writes in (("cached", False), ("cached, after a write", True)):
        times, used = [], 0.0
        for number in range(calls):
            if writes:
                await engine.store_memory({"content": f"The bonsai number {number} wants light"})
            cpu, began = time.process_time(), time.perf_counter()
            reply = await engine.pattern_execute({"query": CACHED})
            times.append(1000 * (time.perf_counter() - began))
            used += 1000 * (time.process_time() - cpu)
            assert reply.cached
        row: dict[str, JsonValue] = {**shown(times), "cpu_ms": _mean(used, times)}
        rows[name] = row
    return rows


def _mean(total: float, of: Sequence[float]) -> float:
    return round(total / len(of), 3)


def shown(times: Sequence[float]) -> dict[str, float]:
    """Return median, and what one in twenty and one in a hundred exceeds."""
    ranks = statistics.quantiles(times, n=100)
    return {
        "p50_ms": round(statistics.median(times), 3),
        "p95_ms": round(ranks[94], 3),
        "p99_ms": round(ranks[98], 3),
    }


async def a_second(execute: Callable[[str], Awaitable[object]], inputs: Sequence[str]) -> int:
    """Return how many calls are answered in a second by AT_ONCE callers."""
    rest, began = iter(inputs), time.perf_counter()

    async def caller() -> None:
        for query in rest:
            await execute(query)

    async with anyio.create_task_group() as tasks:
        for _ in range(AT_ONCE):
            tasks.start_soon(caller)
    return round(len(inputs) / (time.perf_counter() - began))


def through_stdio(
    environment: Mapping[str, str], wanted: Mapping[str, Sequence[str]]
) -> dict[str, JsonValue]:
    """Return what each kind costs through a server, and a round trip to the bare one."""
    times: Times = {kind: [] for kind in (*wanted, "cached", "bare")}
    used = dict.fromkeys(times, 0.0)
    with ServerProcess(environment=environment) as ours, ServerProcess(BARE) as bare:
        for server in (ours, bare):
            server.initialize()
        for query in warming(wanted):
            ours.call("pattern_execute", query=query)
        pids = dict.fromkeys(times, ours.process.pid) | {"bare": bare.process.pid}

        def timed(kind: str, call: Callable[[], object]) -> None:
            cpu, began = cpu_ms(pids[kind]), time.perf_counter()
            call()
            times[kind].append(1000 * (time.perf_counter() - began))
            used[kind] += cpu_ms(pids[kind]) - cpu

        for turn in zip(*wanted.values(), strict=True):
            for kind, query in zip(wanted, turn, strict=True):
                timed(kind, partial(ours.call, "pattern_execute", query=query))
        ours.call("pattern_execute", query=CACHED)
        for _ in range(len(times["memory"])):
            timed("cached", partial(ours.call, "pattern_execute", query=CACHED))
            timed("bare", partial(bare.call, "echo", text=CACHED))
    rows: dict[str, JsonValue] = {}
    for kind, of in times.items():
        row: dict[str, JsonValue] = {**shown(of), "cpu_ms": _mean(used[kind], of)}
        rows[f"{kind}, stdio"] = row
    gaps = [ours - bare for ours, bare in zip(times["cached"], times["bare"], strict=True)]
    rows["cached, stdio, beyond bare"] = dict(shown(gaps))
    return rows


def cpu_ms(pid: int) -> float:
    """Return the processor time of a process; 0 where the system does not tell it so."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return 1000 * (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def repository(folder: Path) -> Path:
    """Make a small git repository, and return its folder."""
    folder.mkdir()
    for number in range(20):
        (folder / f"file{number}.txt").write_text("a line\n" * number, "utf-8")
    git = ("git", "-C", str(folder), "-c", "user.name=b", "-c", "user.email=b@example.org")
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "Begin")):
        subprocess.run([*git, *command], check=True)
    return folder


def own_pattern(home: Path) -> Path:
    """Write a hybrid pattern of two parts that do not wait for each other; return its folder."""
    folder = home / "measured"
    (folder / "hybrid").mkdir(parents=True)
    (folder / "hybrid" / "measured.yaml").write_text(HYBRID, "utf-8")
    return folder


async def measure(calls: int, memories: int) -> dict[str, JsonValue]:
    """Return all figures, of a store of its own."""
    with tempfile.TemporaryDirectory() as home:
        workspace = await anyio.to_thread.run_sync(repository, Path(home) / "workspace")
        environment = {
            "TMWS_HOME": home,
            "TMWS_NAMESPACE": NAMESPACE,
            "TMWS_WORKSPACE": str(workspace),
            "TMWS_PATTERN_DIRS": str(await anyio.to_thread.run_sync(own_pattern, Path(home))),
        }
        wanted = asked(calls)
        async with open_engine(Settings.load(environment)) as engine:
            await fill(engine, [NAMESPACE], memories)
            figures = await in_process(engine, wanted)
            figures |= await kept(engine, calls)

            async def execute(query: str) -> None:
                await engine.pattern_execute({"query": query})

            mixed = [query for turn in zip(*wanted.values(), strict=True) for query in turn]
            rates: dict[str, JsonValue] = {
                "cached": await a_second(execute, [CACHED] * 10 * calls),
                "the three others in turns": await a_second(execute, [f"{q} " for q in mixed]),
            }
        figures |= await anyio.to_thread.run_sync(through_stdio, environment, wanted)
    return {"calls": calls, "memories": memories, "rows": figures, "requests_per_s": rates}


def table(figures: Mapping[str, JsonValue]) -> list[Table]:
    """Return the figures as people read them."""
    of, rates = figures["rows"], figures["requests_per_s"]
    assert isinstance(of, dict)
    assert isinstance(rates, dict)
    rows = []
    for name, row in of.items():
        assert isinstance(row, dict)
        cells = (row.get(key) for key in ("p50_ms", "p95_ms", "p99_ms", "cpu_ms"))
        aim = AIMS_MS.get(name, CACHED_BEYOND_BARE_MS if name.endswith("beyond bare") else None)
        rows.append((name, *("" if c is None else f"{c}" for c in cells), f"{aim or ''}"))
    title = f"ms for a call, {figures['calls']} of each kind, {figures['memories']} memories"
    return [
        Table(title, ("", "p50", "p95", "p99", "CPU", "aim, p95"), rows),
        Table(
            f"requests a second in process, {AT_ONCE} callers",
            ("", "a second"),
            [(name, f"{rate}") for name, rate in rates.items()],
        ),
    ]


def main() -> int:
    """Measure on a store of its own."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--memories", type=int, default=MEMORIES)
    options = parser.parse_args()
    figures = anyio.run(measure, options.calls, options.memories)
    show(figures, table(figures), as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
