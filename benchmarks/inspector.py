"""How long does a command of the inspector take, in a cold process, on a large store?

A store is filled with made-up memories and with observations; then each command is run in processes
of its own, as a person runs it, Python's start and the opening of the store included.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

import anyio
from pydantic import JsonValue

from benchmarks.corpus import facts
from benchmarks.report import Table, arguments, show
from benchmarks.scale import fill
from tmws_mcp import Settings, open_engine
from tmws_mcp.errors import InvalidInput
from tmws_mcp.model import Interaction

AIM_SECONDS = 1.0
NAMESPACE = "benchmark"
SESSIONS = 40
FOUND_NOTHING = 3
"""An exit code: there is nothing of what was asked for, which costs as much."""


async def filled(home: str, memories: int) -> dict[str, str]:
    """Fill a store; return the ids that commands ask for."""
    settings = Settings.load({"TMWS_HOME": home, "TMWS_NAMESPACE": NAMESPACE})
    async with open_engine(settings) as engine:
        await fill(engine, [NAMESPACE], memories)
        for number in range(SESSIONS):
            await engine.observe_interaction(
                {
                    "session_id": f"s{number}", "task": "release the shop", "outcome": "success",
                    "interactions": [
                        Interaction(tool_used="build"),
                        Interaction(tool_used="push", success=False, error="denied"),
                        Interaction(tool_used="login"),
                        Interaction(tool_used="push"),
                    ],
                }
            )  # fmt: skip
        newest = await engine.recall_memory({"limit": 1})
        learned = await engine.learned({"limit": 1})
        if not newest.memories or not learned:
            raise InvalidInput("The store holds nothing to ask for.")
        return {"memory": newest.memories[0].id, "learned": learned[0].pattern_id}


def commands(ids: dict[str, str]) -> dict[str, list[str]]:
    """Return the commands by how they are shown."""
    query = next(iter(facts(1)))
    return {
        "tools": ["tools"],
        "recall QUERY": ["recall", query],
        "memories": ["memories"],
        "route QUERY": ["route", "what did we decide"],
        "why MEMORY": ["why", ids["memory"]],
        "why MEMORY --recall QUERY": ["why", ids["memory"], "--recall", query],
        "why LEARNED": ["why", ids["learned"]],
        "patterns": ["patterns"],
        "learned": ["learned"],
        "diff": ["diff"],
        "stats": ["stats"],
        "cache": ["cache"],
        "federation": ["federation"],
    }


def seconds(home: str, words: Sequence[str]) -> float:
    """Return how long a command takes in a process of its own."""
    environment = {**os.environ, "TMWS_HOME": home, "TMWS_NAMESPACE": NAMESPACE}
    command = [sys.executable, "-m", "tmws_mcp", "inspect", *words]
    began = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    assert done.returncode in (0, FOUND_NOTHING), f"{words}: {done.stderr}"
    return took


def run(memories: int, rounds: int) -> dict[str, JsonValue]:
    """Return the figures, in seconds."""
    with tempfile.TemporaryDirectory(prefix="tmws-inspector-") as home:
        asked = commands(anyio.run(filled, home, memories))
        seconds(home, ["tools"])  # byte code is made, and the file is in memory
        times: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(rounds):  # round by round, so that a busy moment meets all alike
            for name, words in asked.items():
                times[name].append(seconds(home, words))
    return {name: shares(one) for name, one in times.items()}


def shares(times: Sequence[float]) -> JsonValue:
    """Return the median, and what one in twenty exceeds."""
    return {
        "p50_s": round(statistics.median(times), 2),
        "p95_s": round(statistics.quantiles(times, n=20, method="inclusive")[-1], 2),
    }


def main() -> int:
    """Measure; 1 if the aim is missed."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--memories", type=int, default=100_000, help="in the store")
    parser.add_argument("--rounds", type=int, default=10, help="runs of each command")
    options = parser.parse_args()
    figures = run(options.memories, options.rounds)
    rows, slow = [], 0
    for name, row in figures.items():
        assert isinstance(row, dict)
        rows.append((f"inspect {name}", *map(str, row.values())))
        slow += float(str(row["p95_s"])) > AIM_SECONDS
    title = f"{options.memories:,} memories, cold processes, seconds; {slow} over {AIM_SECONDS:g} s"
    show(figures, [Table(title, ("", "p50", "p95"), rows)], as_json=options.json)
    return int(slow > 0)


if __name__ == "__main__":
    sys.exit(main())
