"""What do store_memory and recall_memory cost on a full namespace, beside full text search alone?

The baseline is what most servers do: one FTS5 table of the same texts in a SQLite file of the same
settings, a row inserted in a transaction, a query's words OR-ed and ordered by BM25. It has neither
duplicates, threads, vectors nor budgets; the difference is what they cost. Both take turns within
one run, each call in process, from its request to its reply.
"""

import random
import re
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import anyio
from pydantic import JsonValue

from benchmarks.corpus import PARTS, PEOPLE, REASONS, THINGS, facts
from benchmarks.report import Table, arguments, show
from tmws_mcp import Settings, open_engine
from tmws_mcp.engine.engine import Engine

MEMORIES = 10_000
CALLS = 300
LIMIT = 5
FILLED_AT_ONCE = 8
STORE_CPU_MS_MAX = 10.0
RECALL_RATIO_MAX = 3.0
"""Of the medians beside the baseline: a busy machine slows both."""

Call = Callable[[str], Awaitable[object]]


def queries(count: int, memories: int) -> list[str]:
    """Return questions about the corpus: by names, by what was said, every fifth by its key."""
    choose = random.Random(2)
    asked = []
    for number in range(count):
        if number % 5 == 0:
            asked.append(f"TKT-{choose.randrange(memories):05}")
            continue
        about = f"the {choose.choice(THINGS)} of the {choose.choice(PARTS)}"
        asked.append(f"what did {choose.choice(PEOPLE)} say of {about} {choose.choice(REASONS)}?")
    return asked


class FullText:
    """The baseline: FTS5 and nothing else."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
            "CREATE VIRTUAL TABLE note USING fts5(content, tokenize='porter unicode61');"
        )

    def fill(self, texts: Sequence[str]) -> None:
        """Store texts in one transaction."""
        self._db.execute("BEGIN")
        self._db.executemany("INSERT INTO note VALUES (?)", ((text,) for text in texts))
        self._db.execute("COMMIT")

    async def store(self, text: str) -> None:
        """Store a text in a transaction of its own."""
        self._db.execute("INSERT INTO note VALUES (?)", (text,))

    async def recall(self, query: str) -> list[tuple[str]]:
        """Return the best texts for the words of a query."""
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", query))
        sql = "SELECT content FROM note WHERE note MATCH ? ORDER BY bm25(note) LIMIT ?"
        return self._db.execute(sql, (words, LIMIT)).fetchall()

    def close(self) -> None:
        """Close the file."""
        self._db.close()


async def fill(engine: Engine, texts: Sequence[str]) -> None:
    """Store texts through the engine, several calls at once."""
    rest = iter(texts)

    async def writer() -> None:
        for text in rest:
            await engine.store_memory({"content": text})

    async with anyio.create_task_group() as group:
        for _ in range(FILLED_AT_ONCE):
            group.start_soon(writer)


async def timed(calls: Mapping[str, Call], inputs: Sequence[str]) -> dict[str, JsonValue]:
    """Give each input to each of the calls in turn; return the times of each in milliseconds."""
    wall: dict[str, list[float]] = {name: [] for name in calls}
    cpu = dict.fromkeys(calls, 0.0)
    for text in inputs:
        for name, call in calls.items():
            used, began = time.process_time(), time.perf_counter()
            await call(text)
            wall[name].append(1000 * (time.perf_counter() - began))
            cpu[name] += 1000 * (time.process_time() - used)
    return {
        name: {
            "p50_ms": round(statistics.median(times), 2),
            "p95_ms": round(statistics.quantiles(times, n=20)[-1], 2),
            "cpu_ms": round(cpu[name] / len(times), 2),
        }
        for name, times in wall.items()
    }


async def measure(home: str, *, memories: int, calls: int) -> dict[str, JsonValue]:
    """Fill both stores with the same texts, and return all figures."""
    texts = list(facts(memories + calls))
    settings = Settings.load({"TMWS_HOME": home, "TMWS_NAMESPACE": "benchmark"})
    async with open_engine(settings) as engine:
        with closing(FullText(Path(home) / "fulltext.db")) as plain:
            began = time.perf_counter()
            await fill(engine, texts[:memories])
            filled = time.perf_counter() - began
            plain.fill(texts[:memories])

            async def recall(query: str) -> None:
                reply = await engine.recall_memory({"query": query, "limit": LIMIT})
                assert reply.tier == "hybrid"

            async def store(text: str) -> None:
                assert (await engine.store_memory({"content": text})).created

            recalled = {"recall, full text alone": plain.recall, "recall_memory": recall}
            stored = {"store, full text alone": plain.store, "store_memory": store}
            asked = queries(calls, memories)
            await timed(recalled, asked[:LIMIT])  # the first ones open connections
            figures = await timed(recalled, asked) | await timed(stored, texts[memories:])
    return {
        "memories": memories,
        "calls": calls,
        "filled_per_s": round(memories / filled),
    } | figures


def row_of(figures: Mapping[str, JsonValue], name: str) -> dict[str, float]:
    """Return the numbers under a name."""
    row = figures[name]
    assert isinstance(row, dict)
    return {key: float(str(value)) for key, value in row.items()}


def table(figures: Mapping[str, JsonValue]) -> Table:
    """Return the figures as people read them."""
    names = [name for name, value in figures.items() if isinstance(value, dict)]
    rows = [(name, *(f"{value:.2f}" for value in row_of(figures, name).values())) for name in names]
    title = (
        f"ms for a call in process, {figures['calls']} calls each, {figures['memories']} memories "
        f"in one namespace (filled at {figures['filled_per_s']}/s)"
    )
    return Table(title, ("", "p50", "p95", "CPU mean"), rows)


def within_limits(figures: Mapping[str, JsonValue]) -> bool:
    """Say whether both stay within what we promise."""
    ours = row_of(figures, "recall_memory")["p50_ms"]
    plain = row_of(figures, "recall, full text alone")["p50_ms"]
    stored = row_of(figures, "store_memory")["cpu_ms"]
    return ours <= RECALL_RATIO_MAX * plain and stored <= STORE_CPU_MS_MAX


def main() -> int:
    """Measure on stores of its own; 1 if a limit is exceeded."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--memories", type=int, default=MEMORIES)
    parser.add_argument("--calls", type=int, default=CALLS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        run = partial(measure, home, memories=options.memories, calls=options.calls)
        figures = anyio.run(run)
    show(figures, [table(figures)], as_json=options.json)
    return int(not within_limits(figures))


if __name__ == "__main__":
    sys.exit(main())
