"""Four instances as processes with a real Redis, and everything that is killed among them.

What each instance acknowledged is written down here. At the end all totals must be the journal's:
nothing lost, nothing counted twice. `make soak ARGS="--processes 600"` does so for ten minutes.
"""

import random
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.team import Instance
from tests.redis_server import RedisServer, client, running

TOOLS = ("read", "edit", "test", "build")
INSTANCES = 4
SETTLE_SECONDS_MAX = 90.0


def run(seconds: float, seed: int) -> tuple[str | None, Counter[str]]:
    """Let it storm for so long; return what is wrong, None if nothing is, and what happened."""
    rng, journal, seen = random.Random(seed), Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder, running() as server:
        team = [Instance(f"i{n}", Path(folder), server.url) for n in range(INSTANCES)]
        try:
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                _something(rng, server, team, journal, seen)
            return _verdict(team, journal), seen
        finally:
            for one in team:
                one.kill()


def _something(
    rng: random.Random,
    server: RedisServer,
    team: list[Instance],
    journal: Counter[str],
    seen: Counter[str],
) -> None:
    one, x = rng.choice(team), rng.random()
    if x < 0.9:
        tool = rng.choice(TOOLS)
        one.ask("observe", told={"tool_used": tool, "success": rng.random() < 0.8})
        journal[tool] += 1
        what = "observed"
    elif x < 0.94:
        one.kill()
        one.start()
        what = "instance killed"
    elif x < 0.96:
        server.kill()
        server.start()
        what = "redis killed"
    else:
        with client(server.url) as redis:
            what = rng.choice(["redis emptied", "connections cut"])
            if what == "redis emptied":
                redis.flushall()
            else:
                redis.client_kill_filter(_type="normal", skipme=True)
    seen[what] += 1


def _verdict(team: list[Instance], journal: Counter[str]) -> str | None:
    until = time.monotonic() + SETTLE_SECONDS_MAX
    while time.monotonic() < until:
        found = [one.ask("totals")["totals"] for one in team]
        if all(totals == dict(journal) for totals in found):
            return None
        time.sleep(0.2)
    return f"counted {found}, the journal says {dict(journal)}"
