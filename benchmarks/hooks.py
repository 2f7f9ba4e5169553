"""What does a hook add to each call of an agent's tool, does all of it arrive, and does it help?

A made-up session of 200 calls, 20 of which fail and are repaired, goes through the program that an
installed hook runs: a cold process for each event, beside Python alone in the same run. A real
server listens for the first and the last third; in between it is down. Then the repair is asked
for. The session is made up, so that which hints come says that the way works, not how good it is.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from pydantic import JsonValue

from benchmarks.report import Table, arguments, show
from tmws_mcp import Settings, open_engine
from tmws_mcp.ingest import hook_entry, spool

CALLS, FAIL_EACH, AT_ONCE = 200, 10, 16
DOWN = range(70, 130)
"""Calls during which no server runs."""
REPAIR = "Edit"
SECONDS_MAX = 30


NAMED = {
    "python_alone": "Python alone",
    "hook": "hook, a server listens",
    "hook_failed": "hook after a failure, with hints",
    "hook_no_server": "hook, no server",
}


def events() -> Iterator[dict[str, Any]]:
    """Yield what Claude Code tells its hooks in a session."""
    common = {"session_id": "benchmark", "cwd": "/srv/parser", "permission_mode": "default"}
    for number in range(CALLS):
        fails = number % FAIL_EACH == 0
        named: dict[str, Any] = {
            **common,
            "tool_use_id": f"toolu_{number}",
            "tool_input": {"command": "make all"},
        }
        if fails:
            error = f"Exit code 2\nmake: no rule to make target 'part-{number}'"
            yield {**named, "hook_event_name": "PostToolUseFailure", "tool_name": "Bash"} | {
                "error": error
            }
            continue
        tool = REPAIR if number % FAIL_EACH == 1 else ("Read", "Bash", "Grep")[number % 3]
        response = {"stdout": "x" * 2_000, "interrupted": False}
        yield {**named, "hook_event_name": "PostToolUse", "tool_name": tool} | {
            "tool_response": response
        }


@contextmanager
def server(home: str) -> Iterator[None]:
    """Have a server listen, as a client has started it; nobody calls a tool of it."""
    command = [sys.executable, "-m", "tmws_mcp"]
    environment = {**os.environ, "TMWS_HOME": home, "TMWS_NAMESPACE": "benchmark"}
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment
    )
    socket = Path(home) / spool.FOLDER / hook_entry.SOCKET
    until = time.monotonic() + SECONDS_MAX
    while not socket.exists():
        assert time.monotonic() < until, "the server does not listen"
        time.sleep(0.05)
    yield
    process.communicate(timeout=SECONDS_MAX)  # its input ends, and so does it


def ran(command: Sequence[str], content: bytes) -> tuple[float, bytes]:
    """Return how many milliseconds a process took, and what it said."""
    began = time.perf_counter()
    done = subprocess.run(command, input=content, check=True, capture_output=True)
    return 1000 * (time.perf_counter() - began), done.stdout


def at_once(command: Sequence[str], content: bytes) -> float:
    """Return how many milliseconds AT_ONCE processes took together."""
    began = time.perf_counter()
    running = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(AT_ONCE)]
    for number, process in enumerate(running):
        event = json.loads(content) | {"tool_use_id": f"at-once-{number}"}
        process.communicate(json.dumps(event).encode())
    return 1000 * (time.perf_counter() - began)


def shares(times: Sequence[float]) -> dict[str, JsonValue]:
    """Return the median, and what one in twenty exceeds."""
    ordered = sorted(times)
    return {
        "p50_ms": round(ordered[len(ordered) // 2], 1),
        "p95_ms": round(ordered[int(0.95 * len(ordered))], 1),
    }


async def arrived(settings: Settings) -> dict[str, JsonValue]:
    """Take in the events; return how many steps that were, and what repairs the failure."""
    async with open_engine(settings) as engine:
        while await engine.hooks.drain():
            pass
        figures = await engine.statistics()
        error = "Exit code 2\nmake: no rule to make target 'part-999'"
        failed = {"tool": "Bash", "ok": False, "error": error}
        reply = await engine.get_recommendations({"recent_steps": [failed]})
    best = reply.recommendations[0] if reply.recommendations else None
    return {
        "steps": figures.learning["steps"],
        "repair": str(best.action) if best else None,
    }


@dataclass
class Times:
    """Milliseconds of processes, by what they were."""

    python_alone: list[float] = field(default_factory=list)
    hook: list[float] = field(default_factory=list)
    """A call that went well, told to a server."""
    hook_failed: list[float] = field(default_factory=list)
    """One that failed: the hook waits for a hint."""
    hook_no_server: list[float] = field(default_factory=list)
    hints: int = 0

    def of(self, number: int) -> list[float]:
        """Return where the time of a call goes."""
        if number in DOWN:
            return self.hook_no_server
        return self.hook if number % FAIL_EACH else self.hook_failed


def measured(hook: Sequence[str], times: Times, calls: Sequence[int]) -> None:
    """Send these calls through the hook, each beside Python alone."""
    bare = [sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.read()"]
    session = list(events())
    for number in calls:
        content = json.dumps(session[number]).encode()
        times.python_alone.append(ran(bare, content)[0])
        took, said = ran(hook, content)
        times.of(number).append(took)
        times.hints += REPAIR.encode() in said


def run() -> dict[str, JsonValue]:
    """Return the figures."""
    times = Times()
    with tempfile.TemporaryDirectory(prefix="tmws-hooks-") as home:
        folder = Path(home) / spool.FOLDER
        hook = [sys.executable, "-I", "-S", hook_entry.__file__, str(folder), "benchmark"]
        start = {"hook_event_name": "SessionStart", "session_id": "benchmark"}
        with server(home):
            ran(hook, json.dumps(start).encode())  # the engine opens meanwhile
            measured(hook, times, range(DOWN.start))
            together = at_once(hook, json.dumps(next(events())).encode())
        measured(hook, times, DOWN)
        with server(home):
            ran(hook, json.dumps(start).encode())
            measured(hook, times, range(DOWN.stop, CALLS))
        settings = Settings.load({"TMWS_HOME": home, "TMWS_NAMESPACE": "benchmark"})
        return {
            **{name: shares(getattr(times, name)) for name in NAMED},
            "hints": times.hints,
            "at_once_ms": round(together, 1),
            **anyio.run(arrived, settings),
        }


def table(figures: dict[str, JsonValue]) -> Table:
    """Return the figures as people read them."""
    rows = []
    for name, title in NAMED.items():
        row = figures[name]
        assert isinstance(row, dict)
        rows.append((title, *map(str, row.values())))
    title = (
        f"{CALLS} calls in cold processes, ms; {AT_ONCE} at once: {figures['at_once_ms']} ms; "
        f"{figures['steps']} of {CALLS + AT_ONCE} arrived, the repair is {figures['repair']}, "
        f"hinted {figures['hints']} times"
    )
    return Table(title, ("", "p50", "p95"), rows)


def main() -> int:
    """Measure; 1 if an event was lost, or the repair is neither hinted nor recommended."""
    parser = arguments(__doc__ or "")
    options = parser.parse_args()
    figures = run()
    show(figures, [table(figures)], as_json=options.json)
    helps = figures["repair"] == REPAIR and figures["hints"]
    return int(figures["steps"] != CALLS + AT_ONCE or not helps)


if __name__ == "__main__":
    sys.exit(main())
