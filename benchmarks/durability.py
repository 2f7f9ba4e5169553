"""Is every write that was acknowledged still there: under many writers at once, and after kill -9?

Three processes write to one store side by side, then sixteen. Then, round after round, a process
writes, gets its acknowledgements, sends one more write and is killed at once; the next round starts
on what it left. Each write is a memory and an observed step. At the end a fresh process reads back
each acknowledged memory by its id and compares its text, and counts the steps, and SQLite checks
the whole file.
"""

import json
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from benchmarks.process import ServerError, ServerProcess
from benchmarks.report import Table, arguments, show

PROCESSES = (3, 16)
WRITES = 100
"""Of each of three processes; sixteen write as many together as they do."""
ROUNDS = 200
WRITES_PER_ROUND_MAX = 5
PAUSE_SECONDS_MAX = 0.01
"""How long the last, unacknowledged write of a round has got when the process is killed."""
READ_PAGE = 50
READ_TOKENS = 20_000


@dataclass(frozen=True)
class Written:
    """What was acknowledged, memories as text by id, and what was refused."""

    acknowledged: Mapping[str, str]
    steps: int
    errors: Sequence[str]


def write_together(
    environment: Mapping[str, str], *, processes: int = PROCESSES[0], writes: int = WRITES
) -> Written:
    """Let several processes, all of them started before, write to one store at the same time."""
    with ExitStack() as running, ThreadPoolExecutor(processes) as pool:
        servers = [
            running.enter_context(ServerProcess(environment=environment)) for _ in range(processes)
        ]
        for server in servers:
            server.initialize()
        texts = [
            [f"Writer {writer} of {processes} notes fact {n}" for n in range(writes)]
            for writer in range(processes)
        ]
        return together(list(pool.map(store, servers, texts)))


def kill_after_acknowledgement(
    environment: Mapping[str, str], *, rounds: int = ROUNDS, seed: int = 1
) -> Written:
    """Kill a process right after its last acknowledgement, with one more write under way."""
    choose = random.Random(seed)
    return together([one_kill(environment, number, choose) for number in range(rounds)])


def one_kill(environment: Mapping[str, str], number: int, choose: random.Random) -> Written:
    """Write a few memories, then kill the process."""
    writes = choose.randint(1, WRITES_PER_ROUND_MAX)
    with ServerProcess(environment=environment) as server:
        server.initialize()
        written = store(server, [f"Round {number} notes fact {n}" for n in range(writes)])
        under_way = {"name": "store_memory", "arguments": {"content": f"Round {number} is cut off"}}
        server.post("tools/call", under_way)
        time.sleep(choose.uniform(0, PAUSE_SECONDS_MAX))
        server.kill()
    return written


def store(server: ServerProcess, texts: Sequence[str]) -> Written:
    """Store texts one after the other, and observe each as a step."""
    acknowledged: dict[str, str] = {}
    steps = 0
    errors = []
    for text in texts:
        try:
            acknowledged[str(server.call("store_memory", content=text)["id"])] = text
            step = server.call("observe_interaction", task="take notes", tool_used="store_memory")
            steps += int(step["observed"])
        except ServerError as error:
            errors.append(str(error))
    return Written(acknowledged, steps, errors)


def together(parts: Sequence[Written]) -> Written:
    """Put several writers' results into one."""
    acknowledged = {key: text for part in parts for key, text in part.acknowledged.items()}
    errors = [error for part in parts for error in part.errors]
    return Written(acknowledged, sum(part.steps for part in parts), errors)


def lost(environment: Mapping[str, str], written: Written) -> list[str]:
    """Return the ids of acknowledged memories that a fresh process reads otherwise, or not."""
    ids = list(written.acknowledged)
    found: dict[str, str] = {}
    with ServerProcess(environment=environment) as server:
        server.initialize()
        for first in range(0, len(ids), READ_PAGE):
            page = ids[first : first + READ_PAGE]
            reply = server.call("recall_memory", ids=page, token_budget=READ_TOKENS)
            found |= {memory["id"]: memory["content"] for memory in reply["memories"]}
    return [key for key, text in written.acknowledged.items() if found.get(key) != text]


def steps_lost(environment: Mapping[str, str], written: Written) -> int:
    """Return how many acknowledged steps a fresh process does not count in the store."""
    with ServerProcess(environment=environment) as server:
        server.initialize()
        read = server.request("resources/read", {"uri": "tmws://stats"})
    counted = json.loads(read["contents"][0]["text"])["learning"]["steps"]
    return max(0, written.steps - int(counted))


def measure(
    environment: Mapping[str, str], *, writes: int, rounds: int
) -> dict[str, dict[str, JsonValue]]:
    """Return the figures of all parts, made on one store."""
    few, many = (
        write_together(environment, processes=count, writes=max(writes * PROCESSES[0] // count, 1))
        for count in PROCESSES
    )
    killed = kill_after_acknowledgement(environment, rounds=rounds)
    every = together([few, many, killed])
    return {
        "few": memories_of(few, environment),
        "many": memories_of(many, environment),
        "kills": memories_of(killed, environment),
        "steps": {
            "acknowledged": every.steps,
            "lost": steps_lost(environment, every),
            "errors": len(every.errors),
        },
    }


def integrity(home: str) -> str:
    """Return what SQLite finds wrong with the store's file: "ok" for nothing."""
    with closing(sqlite3.connect(Path(home) / "tmws.db")) as db:
        found = [str(row[0]) for row in db.execute("PRAGMA integrity_check(10)")]
    return "; ".join(found)


def memories_of(written: Written, environment: Mapping[str, str]) -> dict[str, JsonValue]:
    """Return the figures of the memories of one part."""
    return {
        "acknowledged": len(written.acknowledged),
        "lost": len(lost(environment, written)),
        "errors": len(written.errors),
    }


def main() -> int:
    """Measure on a store of its own; 1 if anything was lost, refused or damaged."""
    parser = arguments(__doc__ or "")
    for name, default in (("writes", WRITES), ("rounds", ROUNDS)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        figures = measure({"TMWS_HOME": home}, writes=options.writes, rounds=options.rounds)
        checked = integrity(home)
    labels = {
        "few": f"memories: {PROCESSES[0]} processes",
        "many": f"memories: {PROCESSES[1]} processes",
        "kills": f"memories: {options.rounds} rounds of kill -9",
        "steps": "observed steps, in all",
    }
    columns = ("acknowledged", "lost", "errors")
    rows = [(labels[name], *cells(figures[name], columns)) for name in labels]
    shown: dict[str, JsonValue] = {**figures, "integrity": checked}
    table = Table(f"Durability (integrity: {checked})", ("", *columns), rows)
    show(shown, [table], as_json=options.json)
    return int(checked != "ok" or any(row[2:] != ("0", "0") for row in rows))


def cells(part: JsonValue, columns: Sequence[str]) -> list[str]:
    """Return a part's figures in the table's order."""
    assert isinstance(part, dict)
    return [str(part[column]) for column in columns]


if __name__ == "__main__":
    sys.exit(main())
