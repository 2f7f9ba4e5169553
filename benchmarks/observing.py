"""What do observe_interaction and get_recommendations cost as a namespace fills?

First in process, from the request to the reply, beside a write transaction of one row on the same
driver, which is what durability alone costs. Then through a server over stdio on the same store,
beside a round trip to a server with a single tool on the same SDK (bare_server.py). What is
compared takes turns. The sizes are 1,000 and 10,000 observed steps (`--steps` for others; filling
100,000 takes minutes, a million an hour, and progress is told on stderr).
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import anyio
from pydantic import JsonValue

from benchmarks.process import BARE, ServerProcess, rss_bytes
from benchmarks.report import Table, arguments, show
from benchmarks.scale import MEGABYTE, bytes_in
from benchmarks.sessions import FAMILIES, TASKS_EACH, Interaction, made_up_sessions
from tmws_mcp import Settings, open_engine
from tmws_mcp.engine.engine import Engine
from tmws_mcp.model.learning import INTERACTIONS_MAX
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection

SIZES = (1_000, 10_000)
CALLS = 200
WARMING = 20
"""Calls that are not counted: the first ones of a process load what they need."""
NAMESPACE = "observing"
TOLD_EACH = 10_000
"""After so many steps it is told how quickly a store fills."""
TRANSACTION, ROUND_TRIP = "empty transaction", "bare round trip"
RECOMMEND, OBSERVE = "recommend", "observe"

Sessions = Iterator[list[Interaction]]
Calls = Mapping[str, Callable[[Interaction], Awaitable[object]]]
"""What is timed, by name, in the order of the turns; the first is the baseline of the others."""
Figures = dict[str, JsonValue]


def batches(sessions: Sessions, steps: int) -> Iterator[list[Interaction]]:
    """Yield whole sessions until they have so many steps, as many at once as a call may have."""
    done = 0
    waiting: list[Interaction] = []
    while done < steps:
        session = next(sessions)
        done += steps_in(session)
        if len(waiting) + len(session) > INTERACTIONS_MAX:
            yield waiting
            waiting = []
        waiting = waiting + session
    if waiting:
        yield waiting


def steps_in(interactions: list[Interaction]) -> int:
    """Return how many of them are steps: the others end a session."""
    return sum("tool_used" in one for one in interactions)


async def fill(engine: Engine, sessions: Sessions, steps: int) -> int:
    """Observe whole sessions until there are so many steps more; return how many there were."""
    done = told = 0
    began, used = time.perf_counter(), time.process_time()
    for batch in batches(sessions, steps):
        await engine.observe_interaction({"interactions": batch})
        done += steps_in(batch)
        if done - told >= TOLD_EACH:
            _tell(done, steps, done - told, time.perf_counter() - began, time.process_time() - used)
            told, began, used = done, time.perf_counter(), time.process_time()
    return done


def _tell(done: int, steps: int, newest: int, seconds: float, cpu: float) -> None:
    """Say what the newest steps cost: no more than the first ones, if all is well."""
    speed = f"{newest / seconds:.0f} a second, {1000 * cpu / newest:.2f} ms of CPU each"
    print(f"{done:,} of {steps:,} steps, {speed}", file=sys.stderr, flush=True)


def engine_calls(engine: Engine, store: Database) -> Calls:
    """Return what is timed in this process."""

    async def nothing(_step: Interaction) -> None:
        await store.write(_write_one_row)

    async def recommend(step: Interaction) -> None:
        await engine.get_recommendations(question(step))

    return {TRANSACTION: nothing, RECOMMEND: recommend, OBSERVE: engine.observe_interaction}


def _write_one_row(db: Connection) -> None:
    """Do the least that can be durable."""
    db.run("UPDATE meta SET value = value WHERE key = 'seq'")


def server_calls(ours: ServerProcess, bare: ServerProcess) -> Calls:
    """Return what is timed through a server."""

    async def echo(step: Interaction) -> None:
        bare.call("echo", text=step["session_id"])

    async def recommend(step: Interaction) -> None:
        ours.call("get_recommendations", **question(step))

    async def observe(step: Interaction) -> None:
        ours.call("observe_interaction", **step)

    return {ROUND_TRIP: echo, RECOMMEND: recommend, OBSERVE: observe}


def question(step: Interaction) -> dict[str, Any]:
    """Return what is asked before a step is taken."""
    return {"task": step["task"], "session_id": step["session_id"], "want": "next"}


async def in_turns(calls: Calls, sessions: Sessions, least: int) -> tuple[Figures, int]:
    """Time each call on whole sessions of at least so many steps and ends, a step after the other.

    Returns:
        The milliseconds of each kind, and how many steps were observed.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    steps = 0
    while len(times[OBSERVE]) < least:
        session = next(sessions)
        steps += steps_in(session)
        for step in session:
            for name, call in calls.items():
                if name == RECOMMEND and "task" not in step:
                    continue  # nothing is asked before the end of a session
                began = time.perf_counter()
                await call(step)
                times[name].append(1000 * (time.perf_counter() - began))
    return _shown(times), steps


def _shown(times: Mapping[str, list[float]]) -> Figures:
    medians = {name: statistics.median(of) for name, of in times.items()}
    baseline = next(iter(medians))
    found: Figures = {
        name: {"p50_ms": round(medians[name], 3), "p95_ms": round(_p95(of), 3)}
        for name, of in times.items()
    }
    return found | {
        f"{name}_ratio": round(medians[name] / medians[baseline], 2)
        for name in (RECOMMEND, OBSERVE)
    }


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


async def over_stdio(
    environment: Mapping[str, str], sessions: Sessions, least: int
) -> tuple[Figures, int]:
    """Return what the calls cost through a server, and how many steps were observed."""
    with ServerProcess(environment=environment) as ours, ServerProcess(BARE) as bare:
        for server in (ours, bare):
            server.initialize()
        calls = server_calls(ours, bare)
        _, warming = await in_turns(calls, sessions, WARMING)
        figures, steps = await in_turns(calls, sessions, least)
        figures["resident_mb"] = _mb(ours.rss_bytes())
        figures["bare_resident_mb"] = _mb(bare.rss_bytes())
    return figures, warming + steps


async def in_process(
    settings: Settings, sessions: Sessions, steps: int, least: int
) -> tuple[Figures, Figures, int]:
    """Fill a store with so many steps more, and return how quickly, and what the calls cost."""
    async with open_engine(settings) as engine, Database(settings.db) as store:
        began, used = time.perf_counter(), time.process_time()
        filled = await fill(engine, sessions, steps)
        stored: Figures = {
            "filled_per_s": round(filled / (time.perf_counter() - began)),
            "cpu_ms_each": round(1000 * (time.process_time() - used) / filled, 2),
        }
        calls = engine_calls(engine, store)
        _, warming = await in_turns(calls, sessions, WARMING)
        figures, measured = await in_turns(calls, sessions, least)
        figures["resident_mb"] = _mb(rss_bytes(os.getpid()))
    return stored, figures, filled + warming + measured


def _mb(size: float) -> float:
    return round(size / MEGABYTE, 1)


async def run(sizes: Sequence[int], calls: int, tasks_each: int = TASKS_EACH) -> Figures:
    """Return the figures at each size, the store growing from one to the next."""
    found: Figures = {}
    with tempfile.TemporaryDirectory(prefix="tmws-observing-") as folder:
        environment = {"TMWS_HOME": folder, "TMWS_NAMESPACE": NAMESPACE}
        settings = Settings.load(environment)
        sessions, there = made_up_sessions(tasks_each=tasks_each), 0
        for size in sizes:
            stored, inside, steps = await in_process(settings, sessions, size - there, calls)
            there += steps
            taken = await anyio.to_thread.run_sync(bytes_in, folder)
            stored |= {"store_mb": _mb(taken), "bytes_each": round(taken / there)}
            outside, steps = await over_stdio(environment, sessions, calls)
            there += steps
            found[str(size)] = {"store": stored, "in process": inside, "over stdio": outside}
    return found


def tables(figures: Figures) -> list[Table]:
    """Return the figures as people read them."""
    names = {
        "in process": "ms for a call in process, p50 / p95",
        "over stdio": "ms for a call through MCP over stdio, p50 / p95",
        "store": "the store",
    }
    return [_table(title, name, figures) for name, title in names.items()]


def _table(title: str, name: str, figures: Figures) -> Table:
    rows: list[list[str]] = []
    columns: list[str] = []
    for size, parts in figures.items():
        assert isinstance(parts, dict)
        part = parts[name]
        assert isinstance(part, dict)
        columns = list(part)
        rows.append([size, *map(_cell, part.values())])
    return Table(title, ("steps", *columns), rows)


def _cell(value: JsonValue) -> str:
    if isinstance(value, dict):
        return f"{value['p50_ms']:.2f} / {value['p95_ms']:.2f}"
    return str(value)


def main() -> None:
    """Print the figures."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--steps", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--tasks", type=int, default=FAMILIES * TASKS_EACH, help="different ones")
    asked = parser.parse_args()
    tasks_each = max(1, asked.tasks // FAMILIES)
    figures = anyio.run(run, sorted(asked.steps), asked.calls, tasks_each)
    show(figures, tables(figures), as_json=asked.json)


if __name__ == "__main__":
    main()
