"""Several processes behind one address, on one store: the one that starts them serves nothing.

Each listens on a socket of its own to the same port (SO_REUSEPORT), among which Linux divides new
connections evenly; from a shared socket one process would take all that come at once. One that ends
is started again after a pause; they end with the one that started them, however it ends.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.abc
import anyio.to_thread

from tmws_mcp.errors import SettingsError
from tmws_mcp.measures import Sample
from tmws_mcp.telemetry import get_logger

PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.5, 30.0
"""Before one that ended is started again; longer each time, until one has lasted."""
LASTED_SECONDS = 60.0
GRACE_SECONDS = 10.0
"""Beyond what calls at work may take; then what still runs is killed."""
USAGE = 2
"""The exit code of settings that cannot be used: to start it again would change nothing."""
TELL_SECONDS = 5.0
"""So often each puts down its figures for whichever is asked for those of all."""

log = get_logger("workers")


@dataclass(frozen=True, slots=True)
class Worker:
    """What a process that serves is told by the one that started it."""

    number: int
    folder: Path
    """Where they put down their figures."""

    @classmethod
    def read(cls, told: str) -> "Worker":
        """Return what `str` has written."""
        number, _, folder = told.partition(":")
        return cls(int(number), Path(folder))

    def __str__(self) -> str:
        return f"{self.number}:{self.folder}"

    def put(self, samples: Iterable[Sample]) -> None:
        """Put down the figures of this process."""
        made = self.folder / f"{self.number}.part"
        made.write_text(json.dumps(list(samples)), "utf-8")
        made.replace(self.folder / f"{self.number}.json")

    def all(self) -> dict[str, list[Sample]]:
        """Return the figures of each process, as it has put them down."""
        return {file.stem: _samples(file) for file in sorted(self.folder.glob("*.json"))}


def _samples(file: Path) -> list[Sample]:
    return [
        Sample(name, tuple((label, value) for label, value in labels), total, tuple(buckets))
        for name, labels, total, buckets in json.loads(file.read_text("utf-8"))
    ]


async def supervise(workers: int, command: Sequence[str], drain_seconds: float) -> None:
    """Keep so many processes serving until a signal comes.

    Raises:
        SettingsError: They cannot be had here, or one says that the settings cannot be used.
    """
    if sys.platform == "win32":
        raise SettingsError(
            "On Windows processes cannot listen on one port: use one worker, or several servers "
            "behind a proxy."
        )
    with tempfile.TemporaryDirectory(prefix="tmws-mcp-", ignore_cleanup_errors=True) as folder:
        team = _Team(command, Path(folder), drain_seconds)
        await team.run(workers)
    if team.refused:
        raise SettingsError("No worker could be started with these settings; see above.")


class _Team:
    def __init__(self, command: Sequence[str], folder: Path, drain_seconds: float) -> None:
        self._command, self._folder = command, folder
        self._grace = drain_seconds + GRACE_SECONDS
        self._running: set[anyio.abc.Process] = set()
        self._ended = anyio.Event()
        self.refused = False

    async def run(self, workers: int) -> None:
        """Keep so many serving until a signal comes."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._end_on_signal)
            async with anyio.create_task_group() as team:
                for number in range(1, workers + 1):
                    team.start_soon(self._keep, number)
            tasks.cancel_scope.cancel()

    async def _end_on_signal(self) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for _signal in signals:
                self._end()

    def _end(self) -> None:
        self._ended.set()
        for process in self._running:
            with suppress(ProcessLookupError):
                process.terminate()

    async def _keep(self, number: int) -> None:
        """Start a worker, and start it again when it has ended."""
        pause = PAUSE_SECONDS_MIN
        while not self._ended.is_set():
            began = time.monotonic()
            code = await self._serve(number)
            if code == USAGE and not self._ended.is_set():
                self.refused = True
                self._end()
            if self._ended.is_set():
                return
            log.warning("worker.ended", worker=number, code=code, again_seconds=pause)
            lasted = time.monotonic() - began >= LASTED_SECONDS
            pause = PAUSE_SECONDS_MIN if lasted else min(pause * 2, PAUSE_SECONDS_MAX)
            await self._rest(pause)

    async def _rest(self, seconds: float) -> None:
        with anyio.move_on_after(seconds):
            await self._ended.wait()

    async def _serve(self, number: int) -> int:
        told = str(Worker(number, self._folder))
        process = await anyio.open_process(
            [sys.executable, "-m", "tmws_mcp", *self._command, "--worker", told],
            stdin=subprocess.PIPE,  # it ends when this does
            stdout=None,
            stderr=None,
        )
        self._running.add(process)
        try:
            return await self._waited(process)
        finally:
            self._running.discard(process)

    async def _waited(self, process: anyio.abc.Process) -> int:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._kill_late, process)
            code = await process.wait()
            tasks.cancel_scope.cancel()
        return code

    async def _kill_late(self, process: anyio.abc.Process) -> None:
        await self._ended.wait()
        await anyio.sleep(self._grace)
        process.kill()


async def until_left_alone(end: Callable[[], None]) -> None:
    """Call `end` once the process that started this one is gone: it holds stdin's other end."""
    await anyio.wait_readable(sys.stdin)
    while await anyio.to_thread.run_sync(os.read, 0, 64):
        await anyio.wait_readable(sys.stdin)
    end()
