"""What sharing costs, and how quickly others see it: over a real Redis, with real stores.

Parts: the CPU of observing with sharing on and off in turns; what one, two and three instances
observe, each as fast as it can; how long until a peer in another
process sees a commit; a late joiner and a wiped Redis with many slots; bytes a slot; how far one
liar among ten moves a share.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import anyio.to_thread

from benchmarks.report import Table, arguments, show
from benchmarks.sessions import made_up_sessions
from benchmarks.sharing import LOAD, NAMESPACE, SECONDS_MAX, all_shared, instance
from benchmarks.together import Observed, together
from tests.redis_server import binary, client, running, version
from tmws_mcp.engine import Engine
from tmws_mcp.federation import outgoing, trust
from tmws_mcp.federation.bodies import Counts
from tmws_mcp.federation.wire import Keyring
from tmws_mcp.model.federation import Mark
from tmws_mcp.store import actor as identities
from tmws_mcp.store import evidence, namespaces
from tmws_mcp.store import slots as table
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Tally

POLL_SECONDS = 0.001
SINGLE_RATE = 2.0
LIE_MAX = 0.05
PARTS = ("cpu", "together", "visible", "bulk", "liar")
INSTANCES_MAX = 3


class Spent(NamedTuple):
    """What observing took, alone or sharing."""

    cpu_ms: float
    """Of the whole process for an observation, with sharing it to the end."""
    call_ms: float
    """How long a call took, in the median."""


async def cpu(folder: Path, url: str, calls: int) -> dict[str, Spent]:
    """Return what an observation costs, sharing and alone, in turns of 50."""
    spent = {"alone": 0.0, "sharing": 0.0}
    took: dict[str, list[float]] = {name: [] for name in spent}
    made = {name: made_up_sessions(1) for name in spent}
    async with instance(folder / "off", "") as off, instance(folder / "on", url) as on:
        for _ in range(calls // 50):
            for name, engine in (("alone", off), ("sharing", on)):
                steps = [step for _ in range(8) for step in next(made[name])][:50]
                started = time.process_time()
                for step in steps:
                    called = time.perf_counter()
                    await engine.observe_interaction(step)
                    took[name].append(time.perf_counter() - called)
                    await anyio.sleep(0.02)  # as agents do: one step after the other
                if name == "sharing":
                    await all_shared(engine)  # what is put off is to be paid as well
                spent[name] += time.process_time() - started
    return {
        name: Spent(1_000 * seconds / calls, 1_000 * statistics.median(took[name]))
        for name, seconds in spent.items()
    }


async def visible(
    folder: Path, url: str, rate: float, seconds: float, load: float, writing: int = 3
) -> dict[str, float]:
    """Return p50 and p99 in milliseconds until a peer has a commit."""
    folders = [folder / f"writer{n}" for n in range(writing)]
    writers = [_writer(url, rate, seconds, load, one) for one in folders]
    seen: dict[str, list[tuple[float, int]]] = {}
    async with instance(folder / "reader", url, load) as reader:
        store = await reader._store()  # noqa: SLF001 - looks at what no tool shows
        while any(writer.poll() is None for writer in writers):
            for name, peer in (await store.read(table.peers, 1)).items():
                known = seen.setdefault(name, [])
                if not known or known[-1][1] < peer.vv:
                    known.append((time.monotonic(), peer.vv))
            await anyio.sleep(POLL_SECONDS)
    delays: list[float] = []
    for writer_folder in folders:
        told = json.loads(await anyio.Path(writer_folder, "commits.json").read_text())
        delays += _delays(told["commits"], seen.get(told["actor"], []))
    delays.sort()
    return {
        "p50": 1_000 * statistics.median(delays), "p99": 1_000 * delays[int(len(delays) * 0.99)],
        "commits": len(delays),
    }  # fmt: skip


def _writer(
    url: str, rate: float, seconds: float, load: float, folder: Path
) -> "subprocess.Popen[bytes]":
    arguments = ["--writer", url, str(rate), str(seconds), str(load), str(folder)]
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.federation", *arguments],
    )


def _delays(commits: list[tuple[float, int]], seen: list[tuple[float, int]]) -> list[float]:
    found, place = [], 0
    for at, seq in commits:
        while place < len(seen) and seen[place][1] < seq:
            place += 1
        if place < len(seen):
            found.append(seen[place][0] - at)
    return found


async def writer(url: str, rate: float, seconds: float, load: float, folder: Path) -> None:
    """Count at a rate, and tell the moment and the number of each commit."""
    commits = []
    async with instance(folder, url, load) as engine:
        store = await engine._store()  # noqa: SLF001 - counts alone, without what observing costs
        await anyio.sleep(3)
        started, n = time.monotonic(), 0
        while n < rate * seconds:
            seq = await store.write(_count, n)
            commits.append((time.monotonic(), seq))
            engine.federation.ring()
            n += 1
            await anyio.sleep(max(0.0, started + n / rate - time.monotonic()))
        await anyio.sleep(1)
        me = await store.read(identities.identity)
        told = json.dumps({"actor": me, "commits": commits})
        await anyio.Path(folder, "commits.json").write_text(told)


def _count(db: Connection, n: int) -> int:
    evidence.add_outcomes(db, 1, {("tool", "", f"tool_{n % 200}"): Tally(n=1, ok=1)}, time.time())
    return identities.seq(db)


def _fill(db: Connection, slots: int) -> None:
    ns = namespaces.ensure(db, NAMESPACE, 0.0)
    draw = random.Random(0)
    evidence.add_outcomes(
        db, ns,
        {
            ("task_tool", f"{n // 4:016x}", f"tool_{n % 97}"): Tally(n=draw.randint(3, 40), ok=3)
            for n in range(slots)
        },
        time.time(),
    )  # fmt: skip


async def bulk(folder: Path, url: str, slots: int) -> dict[str, float]:
    """Return seconds for a late joiner and for a wiped Redis, and bytes a slot."""
    async with instance(folder / "old", url) as old:
        store = await old._store()  # noqa: SLF001 - see writer
        await store.write(_fill, slots)
        await all_shared(old)
        me = await store.read(identities.identity)
        newest = (await store.read(table.peer, 1, me)).vv
        wire, held = await _bytes(store, url, me)
        started, cpu = time.monotonic(), time.process_time()
        async with instance(folder / "new", url) as new:
            joined = await _until_here(new, me, newest, started)
            joined_cpu = time.process_time() - cpu
            with client(url) as redis:
                redis.flushall()
                started, cpu = time.monotonic(), time.process_time()
                while int((redis.hget(f"tm:{{{NAMESPACE}}}:vv", me) or b"0")[:16]) < newest:
                    await anyio.sleep(0.02)
            restored, restored_cpu = time.monotonic() - started, time.process_time() - cpu
    return {
        "joined": joined, "joined_cpu": joined_cpu, "restored": restored,
        "restored_cpu": restored_cpu, "wire": wire, "redis": held,
    }  # fmt: skip


async def _until_here(engine: Engine, actor: str, newest: int, started: float) -> float:
    store = await engine._store()  # noqa: SLF001 - see writer
    with anyio.fail_after(SECONDS_MAX):
        while (await store.read(table.peer, 1, actor)).vv < newest:
            await anyio.sleep(0.02)
    return time.monotonic() - started


async def _bytes(store: Any, url: str, actor: str) -> tuple[float, float]:
    slots = (await store.read(table.of_actor, 1, actor))[:500]
    keyring = Keyring(NAMESPACE, (b"k" * 32,))
    entries = outgoing.entries(actor, slots, 0, Mark(slots[-1].seq, b"t" * 8), 500)
    wire = sum(len(outgoing.seal(entry, keyring).raw) for entry in entries) / len(slots)
    with client(url) as redis:
        key = f"tm:{{{NAMESPACE}}}:s:{actor}"
        held = redis.memory_usage(key, samples=0) / redis.hlen(key)
    return wire, held


def liar() -> float:
    """Return by how much one liar among ten moves a share of successes."""
    draw = random.Random(0)
    honest = {str(n): _honest(draw) for n in range(8)}
    own = _honest(draw)
    lying = {**honest, "liar": Counts(10**9, 10**9, 0, 0, {}, 20_000)}
    return abs(_share(trust.weighed(lying, own), own) - _share(trust.weighed(honest, own), own))


def _honest(draw: random.Random) -> Counts:
    ok = sum(draw.random() < 0.238 for _ in range(42))
    return Counts(42, ok, 0, 0, {}, 20_000)


def _share(told: dict[str, Counts], own: Counts) -> float:
    everybody = [own, *told.values()]
    return sum(one.ok for one in everybody) / sum(one.n for one in everybody)


async def measured(asked: argparse.Namespace) -> dict[str, float]:
    """Run the parts that are asked for, each on a Redis of its own."""
    found: dict[str, float] = {}
    for part in asked.parts:
        with tempfile.TemporaryDirectory() as name, running() as server:
            found |= await _part(part, Path(name), server.url, asked)
    return found


async def _part(part: str, folder: Path, url: str, asked: argparse.Namespace) -> dict[str, float]:
    if part == "cpu":
        spent = await cpu(folder, url, asked.calls)
        return {
            "observing alone, ms CPU": spent["alone"].cpu_ms,
            "observing while sharing, ms CPU": spent["sharing"].cpu_ms,
            "ratio of the two": spent["sharing"].cpu_ms / spent["alone"].cpu_ms,
            "a call alone, ms": spent["alone"].call_ms,
            "a call while sharing, ms": spent["sharing"].call_ms,
            "ratio of the calls": spent["sharing"].call_ms / spent["alone"].call_ms,
        }
    if part == "together":
        return await _together(folder, asked)
    if part == "visible":
        return await _seen(folder, url, asked)
    if part == "bulk":
        told = await bulk(folder, url, asked.slots)
        return {
            f"late joiner, {asked.slots:,} slots, s": told["joined"],
            "the same, s of CPU of both instances": told["joined_cpu"],
            f"wiped Redis filled again, {asked.slots:,} slots, s": told["restored"],
            "to fill it, s of CPU of both instances": told["restored_cpu"],
            "a slot on the wire, bytes": told["wire"],
            "a slot in Redis, bytes": told["redis"],
        }
    return {"one liar among ten moves a share by": liar()}


async def _together(folder: Path, asked: argparse.Namespace) -> dict[str, float]:
    """Return what one, two and three instances observe, each as fast as it can."""
    found: dict[str, float] = {}
    for instances in range(1, INSTANCES_MAX + 1):
        place = folder / str(instances)
        with running() as server:  # with nothing in it that others have counted before
            done = await anyio.to_thread.run_sync(
                together, place, server.url, instances, asked.seconds
            )
        found |= _told(instances, done)
    return found


def _told(instances: int, done: list[Observed]) -> dict[str, float]:
    name = f"{instances} instances" if instances > 1 else "1 instance"
    return {
        **{f"{name}, observations/s of no {n}": one.rate for n, one in enumerate(done, 1)},
        f"{name}, observations/s together": sum(one.rate for one in done),
        **{f"{name}, s of CPU of no {n}": one.cpu for n, one in enumerate(done, 1)},
        f"{name}, s of CPU together": sum(one.cpu for one in done),
        f"{name}, ms of CPU an observation": 1_000
        * sum(one.cpu for one in done)
        / sum(one.observed for one in done),
    }


async def _seen(folder: Path, url: str, asked: argparse.Namespace) -> dict[str, float]:
    """Return how quickly a peer sees single commits, and floods at the usual load and at most."""
    seen = await visible(folder / "single", url, SINGLE_RATE, asked.seconds, LOAD, writing=1)
    found = {f"seen by a peer, single commits, {name}": n for name, n in seen.items()}
    for load in (LOAD, 1.0):
        for rate in asked.rates:
            place = folder / f"{rate} {load}"
            seen = await visible(place, url, rate, asked.seconds, load)
            name = f"seen by a peer, 3 x {rate}/s, load {load}"
            found |= {f"{name}, {part}": n for part, n in seen.items()}
    return found


def main() -> int:
    """Measure and print; 1 where there is no Redis, or a promise does not hold."""
    if sys.argv[1:2] == ["--writer"]:
        url, rate, seconds, load, folder = sys.argv[2:7]
        anyio.run(writer, url, float(rate), float(seconds), float(load), Path(folder))
        return 0
    parser = arguments(__doc__ or "")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--calls", type=int, default=600, help="observations of `cpu`")
    parser.add_argument("--rates", nargs="+", type=int, default=[50, 500], help="commits/s each")
    parser.add_argument(
        "--seconds", type=float, default=10, help="length of `visible` and `together`"
    )
    parser.add_argument("--slots", type=int, default=100_000, help="slots of `bulk`")
    asked = parser.parse_args()
    if binary() is None:
        print("This needs a redis-server: install one, or name it in TMWS_TEST_REDIS.")
        return 1
    found = anyio.run(measured, asked)
    rows = [(name, f"{value:,.3f}".rstrip("0").rstrip(".")) for name, value in found.items()]
    show(
        {**found},
        [Table(f"Sharing, on {version()}", ("figure", "value"), rows)],
        as_json=asked.json,
    )
    return int(found.get("one liar among ten moves a share by", 0.0) > LIE_MAX)


if __name__ == "__main__":
    sys.exit(main())
