"""How do the costs of recall and store grow with what is stored, in process and over stdio?

For each size a store is filled in bulk with made-up facts, spread evenly over the namespaces; then
facts are recalled and stored one by one, first through the engine, then through a server process on
the same store. Where a namespace is searched by sketches, its nearest vectors are compared with
those that sqlite-vec finds by measuring all.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import anyio
from pydantic import JsonValue

from benchmarks.corpus import facts
from benchmarks.memory import queries, row_of
from benchmarks.process import ServerProcess
from benchmarks.report import Table, arguments, show
from tmws_mcp import Settings, open_engine
from tmws_mcp.engine.engine import Engine
from tmws_mcp.engine.memories import BULK_MAX
from tmws_mcp.model import StoreRequest
from tmws_mcp.store.driver import Connection

SIZES = (1_000, 10_000, 100_000)
CALLS = 100
COMPARED = 50
FOUND_MIN = 0.97
"""Of the exact answer, by sketches."""
LIMIT = 5
MEGABYTE = 1_000_000

Call = Callable[[str], Awaitable[object]]


async def fill(engine: Engine, names: Sequence[str], size: int) -> float:
    """Store facts in bulk, evenly over the namespaces; return how many a second."""
    texts = facts(size)
    share = size // len(names)
    began = time.perf_counter()
    for name in names:
        own = islice(texts, share)
        while batch := [StoreRequest(content=text) for text in islice(own, BULK_MAX)]:
            await engine.store_memories(batch, name)
    await engine.tidy()
    return size / (time.perf_counter() - began)


async def timed(call: Call, inputs: Sequence[str]) -> dict[str, JsonValue]:
    """Return the times of calls one after the other, in milliseconds."""
    times, used = [], time.process_time()
    for text in inputs:
        began = time.perf_counter()
        await call(text)
        times.append(1000 * (time.perf_counter() - began))
    cpu = 1000 * (time.process_time() - used) / len(inputs)
    return shown(times) | {"cpu_ms": round(cpu, 2)}


def shown(times: Sequence[float]) -> dict[str, JsonValue]:
    """Return the median of times and what one in twenty exceeds."""
    return {
        "p50_ms": round(statistics.median(times), 2),
        "p95_ms": round(statistics.quantiles(times, n=20)[-1], 2),
    }


async def in_process(
    engine: Engine, name: str, asked: Sequence[str], new: Sequence[str]
) -> dict[str, JsonValue]:
    """Return what recall and store cost through the engine."""

    async def recall(query: str) -> None:
        reply = await engine.recall_memory({"query": query, "limit": LIMIT, "namespace": name})
        assert reply.tier == "hybrid"

    async def store(text: str) -> None:
        assert (await engine.store_memory({"content": text, "namespace": name})).created

    await timed(recall, asked[:LIMIT])  # the first ones load what they need
    return {"recall": await timed(recall, asked), "store": await timed(store, new)}


def through_stdio(
    home: str, name: str, asked: Sequence[str], new: Sequence[str]
) -> dict[str, JsonValue]:
    """Return what recall and store cost through a server, and the memory that it takes."""
    with ServerProcess(environment={"TMWS_HOME": home}) as server:
        server.initialize()
        for query in asked[:LIMIT]:
            server.call("recall_memory", query=query, namespace=name)
        recalled = list(spent(server, "recall_memory", "query", name, asked))
        stored = list(spent(server, "store_memory", "content", name, new))
        resident = server.rss_bytes() / MEGABYTE
    return {
        "recall over stdio": shown(recalled),
        "store over stdio": shown(stored),
        "resident_mb": round(resident, 1),
    }


def spent(
    server: ServerProcess, tool: str, argument: str, name: str, inputs: Sequence[str]
) -> Iterator[float]:
    """Call a tool of a server with each input, and return how long it took in milliseconds."""
    for text in inputs:
        began = time.perf_counter()
        server.call(tool, **{argument: text, "namespace": name})
        yield 1000 * (time.perf_counter() - began)


async def found_by_sketches(engine: Engine, name: str, asked: Sequence[str]) -> float | None:
    """Return which share of the exact nearest the sketches find; None where none are used."""
    from tmws_mcp.memory.search import candidates as by  # noqa: PLC0415 - imports numpy
    from tmws_mcp.memory.search.search import probe  # noqa: PLC0415
    from tmws_mcp.store import namespaces, segments, vectors  # noqa: PLC0415
    from tmws_mcp.store.selection import Filter  # noqa: PLC0415

    embedder = await engine._encoder.for_writing()  # noqa: SLF001
    now = Filter(now=time.time())

    def compare(db: Connection, query: str) -> float | None:
        ns = namespaces.find(db, name)
        assert ns is not None
        what = probe(db, query, embedder, now.now)
        if segments.totals(db, ns).memories < by.SKETCHED_FROM or what.space is None:
            return None
        limit = by.BY_MEANING_MAX
        exact = {key for key, _ in vectors.nearest(db, what.space, ns, what.vector, now, limit)}
        close = {key for key, _ in by.nearest_by_sketch(db, ns, what, now)}
        return len(exact & close) / max(len(exact), 1)

    store = await engine._store()  # noqa: SLF001
    shares = [await store.read(compare, query) for query in asked]
    known = [share for share in shares if share is not None]
    return round(statistics.fmean(known), 4) if known else None


async def measure(size: int, namespaces: int, calls: int) -> dict[str, JsonValue]:
    """Return all figures of one size."""
    names = [f"scale-{i}" for i in range(namespaces)]
    share = size // namespaces
    new = list(islice(facts(size + 2 * calls, seed=7), size, None))
    words = [query for query in queries(calls + COMPARED, share) if not query.startswith("TKT")]
    with tempfile.TemporaryDirectory() as home:
        async with open_engine(Settings.load({"TMWS_HOME": home})) as engine:
            rate = await fill(engine, names, size)
            asked = queries(calls, share)
            figures = await in_process(engine, names[-1], asked, new[:calls])
            found = await found_by_sketches(engine, names[-1], words[:COMPARED])
        stored = await anyio.to_thread.run_sync(bytes_in, home)
        figures |= await anyio.to_thread.run_sync(
            partial(through_stdio, home, names[-1], asked, new[calls:])
        )
    figures |= {"filled_per_s": round(rate), "bytes_each": round(stored / size)}
    return figures | {"nearest_found": found}


def bytes_in(folder: str) -> int:
    """Return how many bytes the files of a folder have."""
    return sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())


ROWS = ("recall", "store", "recall over stdio", "store over stdio")


def table(figures: Mapping[str, dict[str, JsonValue]]) -> Table:
    """Return the figures as people read them."""
    rows = []
    for size, of in figures.items():
        times = {row: row_of(of, row) for row in ROWS}
        pairs = [f"{t['p50_ms']:.1f} / {t['p95_ms']:.1f}" for t in times.values()]
        found = of["nearest_found"]
        rows.append(
            (
                size,
                *pairs,
                f"{of['filled_per_s']}",
                f"{of['bytes_each']}",
                f"{of['resident_mb']}",
                "all" if found is None else f"{found}",
            )
        )
    columns = ("memories", *ROWS, "bulk/s", "bytes each", "RSS MB", "nearest found")
    return Table("ms for a call, p50 / p95", columns, rows)


def kept(figures: Mapping[str, dict[str, JsonValue]]) -> bool:
    """Say whether sketches find as much as we promise."""
    found = [float(str(of["nearest_found"])) for of in figures.values() if of["nearest_found"]]
    return all(share >= FOUND_MIN for share in found)


def main() -> int:
    """Measure on stores of its own; 1 if a promise is broken."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--namespaces", type=int, default=1)
    parser.add_argument("--calls", type=int, default=CALLS)
    options = parser.parse_args()
    figures = {}
    for size in options.sizes:
        name = f"{size:,}" + (f" in {options.namespaces}" if options.namespaces > 1 else "")
        figures[name] = anyio.run(measure, size, options.namespaces, options.calls)
    show({name: dict(of) for name, of in figures.items()}, [table(figures)], as_json=options.json)
    return int(not kept(figures))


if __name__ == "__main__":
    sys.exit(main())
