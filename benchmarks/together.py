"""Several instances that observe at once, each as fast as it can, as processes of their own.

Each waits until all have opened their stores, observes for so many seconds, and goes on until the
hub has all that it counted: what is put off is to be paid as well.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import anyio
import anyio.to_thread

from benchmarks.sessions import made_up_sessions
from benchmarks.sharing import LOAD, SECONDS_MAX, all_shared, instance

LINE = "READY"


class Observed(NamedTuple):
    """What one instance has done."""

    observed: int
    rate: float
    """Observations a second."""
    cpu: float
    """Seconds of CPU of its process, from the first observation until all is shared."""


def together(folder: Path, url: str, instances: int, seconds: float) -> list[Observed]:
    """Return what each of so many instances has done."""
    commands = [
        [
            sys.executable,
            "-m",
            "benchmarks.together",
            url,
            str(folder / str(n)),
            str(seconds),
            str(n),
        ]
        for n in range(instances)
    ]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for command in commands
    ]
    try:
        return _driven(processes)
    finally:
        for one in processes:
            one.kill()
            one.communicate()


def _driven(processes: list["subprocess.Popen[str]"]) -> list[Observed]:
    for one in processes:
        assert one.stdout is not None
        assert one.stdout.readline().strip() == LINE
    for one in processes:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    told = [one.stdout.readline() for one in processes if one.stdout is not None]
    return [Observed(*json.loads(line)) for line in told]


async def observe(url: str, folder: Path, seconds: float, seed: int) -> None:
    """Observe when told so, and print what was done."""
    made = made_up_sessions(seed)
    async with instance(folder, url, LOAD) as engine:
        print(LINE, flush=True)
        await anyio.to_thread.run_sync(sys.stdin.readline)
        cpu, started, n = time.process_time(), time.monotonic(), 0
        while time.monotonic() - started < seconds:
            for step in next(made):
                await engine.observe_interaction(step)
                n += 1
        took = time.monotonic() - started
        with anyio.fail_after(SECONDS_MAX):
            await all_shared(engine)
        print(json.dumps([n, n / took, time.process_time() - cpu]), flush=True)


if __name__ == "__main__":
    anyio.run(observe, sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
