"""How many answers are given again, and is one of them ever out of date?

Two processes serve one store. Each asks `pattern_execute` queries whose frequencies follow Zipf's
law with exponent 1, and one call in twenty writes: stores a fact, replaces one, forgets one, or
observes something. Each reply is compared with what an engine that keeps nothing says right after
it; where anybody wrote in between, both are asked again, so that both saw the same store.

A reply is stale when the one made anew shows another memory, or one in another place, or with
another text, unless those that differ are within TIE of each other in score: how rare words are
moves with every memory stored, and near-equals change places by it. Such replies, and those whose
scores or counts alone differ, are counted apart.
"""

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice
from typing import Any

import anyio
from pydantic import JsonValue

from benchmarks.corpus import facts
from benchmarks.memory import queries
from benchmarks.report import Table, arguments, show
from benchmarks.scale import fill
from tmws_mcp import Settings, open_engine
from tmws_mcp.engine.engine import Engine
from tmws_mcp.model import ExecuteReply

PROCESSES = 2
QUERIES, WRITE_SHARE = 1_000, 0.05
MEMORIES, CALLS = 10_000, 8_000
HIT_RATE_MIN = 0.80
TIE = 0.02
"""Scores are shares of 1; nobody can tell two memories apart that are so close."""
TRIES_MAX = 20
NAMESPACE = "cached"
WRITES = ("store",) * 7 + ("replace", "forget", "observe")

Told = dict[str, Any]


@dataclass
class Seen:
    """What a process has seen."""

    replies: Counter[str] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    """The same, of the second half of the calls."""
    differences: Counter[str] = field(default_factory=Counter)
    hit_ms: list[float] = field(default_factory=list)
    miss_ms: list[float] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    first: int = 0
    """Replies to what the process was asked for the first time: nothing could be kept of it."""
    stood: int = 0
    fell: int = 0


def asked(seed: int, calls: int, memories: int) -> Iterator[str | None]:
    """Give the queries of a process by Zipf's law; None where it writes."""
    choose = random.Random(seed)
    known = words_alone(memories)
    weights = list(accumulate(1 / rank for rank in range(1, len(known) + 1)))
    for _ in range(calls):
        writes = choose.random() < WRITE_SHARE
        yield None if writes else choose.choices(known, cum_weights=weights)[0]


def words_alone(memories: int) -> list[str]:
    """Return the queries, all different: questions in words, no ticket numbers."""
    found = (text for text in queries(4 * QUERIES, memories) if not text.startswith("TKT"))
    return list(islice(dict.fromkeys(found), QUERIES))


class Writer:
    """Writes what a process has to say."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self._engine, self._choose = engine, random.Random(seed)
        self._facts, self._seed, self._count = facts(10**9, seed=100 + seed), seed, 0
        self._own: list[str] = []
        """Ids of what it has stored itself, the oldest first."""

    async def write(self) -> None:
        """Store, replace, forget, or observe something."""
        kind = self._choose.choice(WRITES)
        if kind == "observe":
            await self._engine.observe_interaction(
                {"task": "run the tests", "tool_used": "make", "success": True}
            )
        elif kind == "forget" and self._own:
            await self._engine.forget_memory({"ids": [self._own.pop(0)]})
        else:
            await self._store(replacing=kind == "replace")

    async def _store(self, *, replacing: bool) -> None:
        self._count += 1
        text = next(self._facts).rpartition("(")[0] + f"(TKT-{self._seed}-{self._count:06})"
        supersedes = self._own.pop() if replacing and self._own else ""
        stored = await self._engine.store_memory({"content": text, "supersedes": supersedes})
        self._own.append(stored.id)


async def compared(engine: Engine, unkept: Engine, query: str) -> tuple[ExecuteReply, Told, Told]:
    """Return a reply with what it tells, and what one made anew on the same store tells."""
    for _ in range(TRIES_MAX):
        scope = engine.settings.scope()
        before = await engine._answering._grounds.of(scope)  # noqa: SLF001
        began = time.perf_counter()
        reply = await engine.pattern_execute({"query": query})
        reply = reply.model_copy(update={"ms": 1000 * (time.perf_counter() - began)})
        unkept._answering._answers.kept.clear()  # noqa: SLF001
        anew = await unkept.pattern_execute({"query": query})
        after = await unkept._answering._grounds.of(scope)  # noqa: SLF001
        if (before.changed, before.learned) == (after.changed, after.learned):
            return reply, told(reply), told(anew)
    raise SystemExit(f"the store was never quiet for the time of a call: {query!r}")


def told(reply: ExecuteReply) -> Told:
    """Return what a reply says: memories, what else it found, and how much it left out."""
    result = reply.result
    assert isinstance(result, dict)
    found = {name: value for name, value in result.items() if isinstance(value, dict)}
    memories: list[Any] = []
    for value in found.values():
        listed = value.pop("memories", [])
        assert isinstance(listed, list)
        memories += listed
    return {
        "memories": memories,
        "else": json.dumps([reply.pattern, reply.route, found], sort_keys=True),
        "omitted": reply.omitted,
    }


def difference(given: Told, anew: Told) -> str:
    """Return in what a reply differs from the one made anew."""
    if given == anew:
        return "none"
    ids, wanted = ([one["id"] for one in of["memories"]] for of in (given, anew))
    if given["else"] != anew["else"] or texts(given, wanted) != texts(anew, ids):
        return "stale"
    if ids == wanted:
        return "figures"
    return "ties" if _tied(given, anew) else "stale"


def texts(of: Told, among: Sequence[str]) -> dict[str, str]:
    """Return all but the scores of those memories that are among others."""
    return {
        one["id"]: json.dumps({**one, "score": 0}, sort_keys=True)
        for one in of["memories"]
        if one["id"] in among
    }


def _tied(given: Told, anew: Told) -> bool:
    """Whether memories that stand elsewhere, or instead of each other, score the same."""
    if len(given["memories"]) != len(anew["memories"]):
        return False
    return all(
        one["id"] == other["id"] or abs(one["score"] - other["score"]) <= TIE
        for one, other in zip(given["memories"], anew["memories"], strict=True)
    )


async def serve(home: str, seed: int, calls: int, memories: int) -> Seen:
    """Ask and write as one of the processes."""
    seen = Seen()
    kept = Settings.load({"TMWS_HOME": home, "TMWS_NAMESPACE": NAMESPACE})
    unkept = kept.model_copy(update={"observe_executions": False})
    async with open_engine(kept) as engine, open_engine(unkept) as checker:
        writer, heard = Writer(engine, seed), set[str]()
        for number, query in enumerate(asked(seed, calls, memories)):
            if query is None:
                await writer.write()
                continue
            seen.first += query not in heard
            heard.add(query)
            reply, given, anew = await compared(engine, checker, query)
            count(seen, reply, difference(given, anew), late=2 * number >= calls)
            if difference(given, anew) == "stale":
                seen.stale.append(json.dumps([query, given, anew]))
        answers = engine._answering._answers  # noqa: SLF001
        seen.stood, seen.fell = answers.stood, answers.fell
    return seen


def count(seen: Seen, reply: ExecuteReply, differs: str, *, late: bool) -> None:
    """Count a reply."""
    kind = "hit" if reply.cached else "miss"
    seen.replies[kind] += 1
    seen.late[kind] += late
    (seen.hit_ms if reply.cached else seen.miss_ms).append(reply.ms)
    if reply.cached:
        seen.differences[differs] += 1


def work(home: str, seed: str, calls: str, memories: str) -> None:
    """Be one of the processes, and print what it has seen."""
    seen = anyio.run(serve, home, int(seed), int(calls), int(memories))
    print(json.dumps({name: getattr(seen, name) for name in Seen.__dataclass_fields__}))


def measure(calls: int, memories: int) -> dict[str, JsonValue]:
    """Fill a store, let the processes work on it at once, and add up what they have seen."""
    with tempfile.TemporaryDirectory() as home:
        anyio.run(_fill, home, memories)
        command = (sys.executable, "-m", "benchmarks.cache", "--work", home)
        running = [
            subprocess.Popen(
                [*command, str(seed), str(calls), str(memories)], stdout=subprocess.PIPE
            )
            for seed in range(1, PROCESSES + 1)
        ]
        said = [process.communicate()[0] for process in running]
        if any(process.returncode for process in running):
            raise SystemExit("a process failed")
    return figures([json.loads(one) for one in said])


async def _fill(home: str, memories: int) -> None:
    settings = Settings.load({"TMWS_HOME": home, "TMWS_NAMESPACE": NAMESPACE})
    async with open_engine(settings) as engine:
        await fill(engine, [NAMESPACE], memories)


def figures(seen: Sequence[dict[str, Any]]) -> dict[str, JsonValue]:
    """Return the figures of all processes together."""
    total = {
        name: sum((Counter(of[name]) for of in seen), Counter())
        for name in ("replies", "late", "differences")
    }
    times = {name: [ms for of in seen for ms in of[name]] for name in ("hit_ms", "miss_ms")}
    stale = [one for of in seen for one in of["stale"]]
    for one in stale[:3]:
        print(f"stale: {one}", file=sys.stderr)
    hits, late = total["replies"]["hit"], total["late"]
    first, fell = (sum(of[name] for of in seen) for name in ("first", "fell"))
    return {
        "replies": total["replies"].total(),
        "hit_rate": round(hits / total["replies"].total(), 3),
        "hit_rate_at_most": round(1 - first / total["replies"].total(), 3),
        "hit_rate_second_half": round(late["hit"] / max(late.total(), 1), 3),
        "hits": hits,
        "hits_checked_against_writes": sum(of["stood"] for of in seen),
        "asked_for_the_first_time": first,
        "made_anew_after_writes": fell,
        "made_anew_otherwise": max(total["replies"]["miss"] - first - fell, 0),
        "stale": len(stale),
        "identical": total["differences"]["none"],
        "other_figures_only": total["differences"]["figures"],
        "ties_in_other_order": total["differences"]["ties"],
        "hit_p50_ms": round(statistics.median(times["hit_ms"]), 3),
        "hit_p95_ms": round(statistics.quantiles(times["hit_ms"], n=20)[-1], 3),
        "miss_p50_ms": round(statistics.median(times["miss_ms"]), 3),
    }


def main() -> int:
    """Measure on a store of its own; 1 if a promise is broken."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--calls", type=int, default=CALLS, help="of each process")
    parser.add_argument("--memories", type=int, default=MEMORIES)
    parser.add_argument("--work", nargs=4, help="be one of the processes")
    options = parser.parse_args()
    if options.work:
        work(*options.work)
        return 0
    found = measure(options.calls, options.memories)
    rows = [(name.replace("_", " "), f"{value}") for name, value in found.items()]
    title = f"{PROCESSES} processes, {options.calls} calls each, {options.memories} memories"
    show(found, [Table(title, ("what", "value"), rows)], as_json=options.json)
    return int(bool(found["stale"]) or float(str(found["hit_rate"])) < HIT_RATE_MIN)


if __name__ == "__main__":
    sys.exit(main())
