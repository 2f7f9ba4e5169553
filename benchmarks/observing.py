"""What do observe_interaction and get_recommendations cost as a namespace fills?

In process, from the request to the reply, at 1,000 and 10,000 observed steps (`--steps` for others,
such as 100,000, which take minutes to be observed), beside a write transaction of one row on the
same driver, which is what durability alone costs. The steps are made up: tasks of some families,
each with tools that follow one another with noise and errors.
"""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from pydantic import JsonValue

from benchmarks.report import Table, arguments, show
from tmws_mcp import Settings, open_engine
from tmws_mcp.engine.engine import Engine
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection

SIZES = (1_000, 10_000)
CALLS = 200
FAMILIES, TOOLS_EACH, TASKS_EACH = 40, 6, 25
STEPS_EACH = (4, 16)
ERROR_SHARE, NOISE = 0.08, 0.25
BATCH = 100
FAMILY_WORDS = ("parser", "invoice", "calendar", "flight", "image", "server", "letter", "budget")


def made_up_sessions(seed: int = 0) -> Iterator[list[dict[str, Any]]]:
    """Yield sessions without end: each a list of interactions, the last one its outcome."""
    draw = random.Random(seed)
    number = 0
    while True:
        family, task = draw.randrange(FAMILIES), draw.randrange(TASKS_EACH)
        word = FAMILY_WORDS[family % len(FAMILY_WORDS)]
        about = f"handle the {word} case {family} for customer {task} as agreed in area {family}"
        name, tool = f"session-{number}", 0
        steps: list[dict[str, Any]] = []
        for _ in range(draw.randint(*STEPS_EACH)):
            ok = draw.random() > ERROR_SHARE
            steps.append(
                {
                    "session_id": name,
                    "task": about,
                    "tool_used": f"{word}_{family}-tool_{tool}",
                    "success": ok,
                    "error": "" if ok else f"no such file: '/data/{number}/{tool}'",
                }
            )
            moved = draw.randrange(TOOLS_EACH) if draw.random() < NOISE else tool + 1
            tool = moved % TOOLS_EACH if ok else tool
        yield [*steps, {"session_id": name, "outcome": draw.choice(("success", "failure"))}]
        number += 1


async def median_ms(call: Callable[[], Awaitable[object]], times: int = CALLS) -> list[float]:
    """Return how long each of so many calls took, in milliseconds, sorted."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        await call()
        taken.append((time.perf_counter() - begun) * 1000)
    return sorted(taken)


async def fill(engine: Engine, sessions: Iterator[list[dict[str, Any]]], steps: int) -> int:
    """Observe whole sessions until there are so many steps more; return how many there were."""
    done = 0
    waiting: list[dict[str, Any]] = []
    while done < steps:
        session = next(sessions)
        done += len(session) - 1
        waiting += session
        if len(waiting) >= BATCH or done >= steps:
            await engine.observe_interaction({"interactions": waiting})
            waiting = []
    return done


async def measure(
    engine: Engine, store: Database, sessions: Iterator[list[dict[str, Any]]]
) -> dict[str, list[float]]:
    """Return the times of each kind of call, in milliseconds, sorted."""
    taken: dict[str, list[float]] = {"empty transaction": [], "observe": [], "recommend": []}
    asked = 0
    while asked < CALLS:
        for step in next(sessions):
            taken["empty transaction"] += await median_ms(partial(store.write, _nothing), 1)
            question = {"task": step.get("task", ""), "session_id": step["session_id"]}
            if "task" in step:
                taken["recommend"] += await median_ms(
                    partial(engine.get_recommendations, {**question, "want": "next"}), 1
                )
            taken["observe"] += await median_ms(partial(engine.observe_interaction, step), 1)
            asked += 1
    return {name: sorted(times) for name, times in taken.items()}


def _nothing(db: Connection) -> None:
    """Write one row, as the least that can be durable."""
    db.run("UPDATE meta SET value = value WHERE key = 'seq'")


def at(times: list[float], share: float) -> float:
    """Return the time that this share of the calls stays below."""
    return times[min(int(share * len(times)), len(times) - 1)]


async def run(sizes: tuple[int, ...]) -> dict[str, JsonValue]:
    """Return the figures at each size."""
    figures: dict[str, JsonValue] = {}
    with tempfile.TemporaryDirectory(prefix="tmws-observing-") as folder:
        path = Path(folder) / "tmws.db"
        sessions, there = made_up_sessions(), 0
        settings = Settings(home=Path(folder), db=path)
        async with open_engine(settings) as engine, Database(path) as store:
            for size in sizes:
                there += await fill(engine, sessions, size - there)
                times = await measure(engine, store, sessions)
                figures[str(size)] = {
                    **{
                        f"{name} p{round(100 * share)} ms": round(at(taken, share), 3)
                        for name, taken in times.items()
                        for share in (0.5, 0.95)
                    },
                    "ratio of observe": round(
                        statistics.median(times["observe"])
                        / statistics.median(times["empty transaction"]),
                        2,
                    ),
                    "store MB": round(path.stat().st_size / 2**20, 1),
                    "resident MB": resident_mb(),
                }
    return figures


def resident_mb() -> float | None:
    """Return the memory that the process holds, None where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return None
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def main() -> None:
    """Print the figures."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--steps", type=int, nargs="+", default=list(SIZES))
    asked = parser.parse_args()
    figures = anyio.run(run, tuple(sorted(asked.steps)))
    first = next(iter(figures.values()))
    assert isinstance(first, dict)
    rows = [
        [size, *(str(value) for value in of.values())]
        for size, of in figures.items()
        if isinstance(of, dict)
    ]
    table = Table("observe_interaction and get_recommendations", ("steps", *first), rows)
    show(figures, [table], as_json=asked.json)


if __name__ == "__main__":
    main()
