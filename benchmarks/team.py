"""A team before one's eyes: three instances as processes of their own, a Redis between them.

One learns and the others know it within a second; one is killed; Redis is wiped; nothing is lost
and nothing is counted twice. Run by `make demo-team`; needs a redis-server.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from tests.redis_server import RedisServer, binary, client, running, version

NAMESPACE = "team"
SECONDS_MAX = 30.0
TASK = "prepare the quarterly report"
STEPS = ("fetch_report", "clean_table", "send_mail")
HERE = Path(__file__).resolve()


class Instance:
    """A process with a store of its own, asked in lines of JSON."""

    def __init__(self, name: str, folder: Path, url: str) -> None:
        self.name, self._folder, self._url = name, folder, url
        self.start()

    def start(self) -> None:
        """Start it, or start it again on the same store."""
        environ = {
            **os.environ,
            "TMWS_HOME": str(self._folder / self.name),
            "TMWS_EMBEDDER": "none",
            "TMWS_NAMESPACE": NAMESPACE,
            "TMWS_REDIS_URL": self._url,
            "TMWS_FEDERATION_NAMESPACES": NAMESPACE,
            "TMWS_FEDERATION_KEYS": "a secret of the demonstration",
            "TMWS_LOG_LEVEL": "ERROR",
        }
        command = [sys.executable, "-m", "benchmarks.team_instance"]
        self.process = subprocess.Popen(
            command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=HERE.parent.parent,
        )  # fmt: skip
        self.ask("status")

    def ask(self, what: str, **arguments: object) -> dict[str, object]:
        """Send a line, and return what the line that comes back says."""
        told, answers = self._pipes()
        told.write(json.dumps({"ask": what, **arguments}) + "\n")
        told.flush()
        line = answers.readline()
        if not line:
            raise RuntimeError(f"{self.name} has ended")
        found: dict[str, object] = json.loads(line)
        return found

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        return self.process.stdin, self.process.stdout

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        for pipe in self._pipes():
            pipe.close()

    def learn(self, session: str) -> None:
        """Observe a whole run of the task."""
        for number, tool in enumerate(STEPS):
            told = {"task": TASK, "tool_used": tool, "session_id": session, "step": number}
            self.ask("observe", told=told)
        self.ask("observe", told={"session_id": session, "outcome": "success"})

    def runs(self) -> int:
        """Return how many runs of the task are known, on all instances together."""
        return int(str(self.ask("runs", task=TASK)["n"]))


def until(holds: Callable[[], bool]) -> float:
    """Wait until something holds, and return how many seconds it took."""
    started = time.monotonic()
    while not holds():
        if time.monotonic() - started > SECONDS_MAX:
            raise TimeoutError
        time.sleep(0.01)
    return time.monotonic() - started


def say(text: str) -> None:
    """Print a line of the story."""
    print(text, flush=True)


def main() -> int:
    """Show it; 0 if all came out as it should."""
    if binary() is None:
        say("This needs a redis-server: install one, or name it in TMWS_TEST_REDIS.")
        return 1
    say(f"Redis: {version()}")
    with tempfile.TemporaryDirectory() as folder, running() as server:
        team = [Instance(name, Path(folder), server.url) for name in ("ann", "bob", "cleo")]
        try:
            return _story(server, *team)
        finally:
            for one in team:
                if one.process.poll() is None:
                    one.kill()


def _story(server: RedisServer, ann: Instance, bob: Instance, cleo: Instance) -> int:
    say("\nThree instances, a store each. Ann does a task three times; nobody else ever has.")
    for number in range(3):
        ann.learn(f"a{number}")
    took = until(lambda: bob.runs() == cleo.runs() == 3)
    say(f"  Bob and Cleo know it after {took:.2f} s.")
    advice = bob.ask("advise", task="prepare a quarterly report for Berlin")["advice"]
    say(f"  Asked for another report, Bob is told: {advice}")
    say("\nAnn is killed (SIGKILL), and Bob does the task twice more.")
    ann.kill()
    for number in range(2):
        bob.learn(f"b{number}")
    say(f"  Cleo counts 5 runs after {until(lambda: cleo.runs() == 5):.2f} s.")
    say("\nRedis loses everything. Cleo does the task once more, and Ann comes back.")
    with client(server.url) as redis:
        redis.flushall()
    cleo.learn("c0")
    ann.start()
    took = until(lambda: {one.runs() for one in (ann, bob, cleo)} == {6})
    say(f"  All three count 6 runs after {took:.2f} s: nothing lost, nothing counted twice.")
    with client(server.url) as redis:
        keys = sorted(key.decode() for key in redis.keys("*"))
    say(f"  Redis holds again: {', '.join(keys)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
