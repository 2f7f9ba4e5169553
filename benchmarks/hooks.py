"""What does a hook add to each call of an agent's tool, and does all of it arrive?

A made-up session of 200 calls, 20 of which fail and are repaired, goes through the program that an
installed hook runs: a cold process for each event, beside Python alone in the same run. Then the
events are taken in, and the repair is asked for.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import anyio
from pydantic import JsonValue

from benchmarks.report import Table, arguments, show
from tmws_mcp import Settings, open_engine
from tmws_mcp.ingest import hook_entry, spool

CALLS, FAIL_EACH, AT_ONCE = 200, 10, 16
REPAIR = "Edit"


def events() -> Iterator[dict[str, Any]]:
    """Yield what Claude Code tells its hooks in a session."""
    common = {"session_id": "benchmark", "cwd": "/srv/parser", "permission_mode": "default"}
    for number in range(CALLS):
        fails = number % FAIL_EACH == 0
        named = {**common, "tool_use_id": f"toolu_{number}", "tool_input": {"command": "make all"}}
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


def ran(command: Sequence[str], content: bytes) -> float:
    """Return how many milliseconds a process took."""
    began = time.perf_counter()
    subprocess.run(command, input=content, check=True, capture_output=True)
    return 1000 * (time.perf_counter() - began)


def at_once(command: Sequence[str], content: bytes) -> float:
    """Return how many milliseconds AT_ONCE processes took together."""
    began = time.perf_counter()
    running = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(AT_ONCE)]
    for process in running:
        process.communicate(content)
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
        began = time.perf_counter()
        while await engine.hooks.drain():
            pass
        took = time.perf_counter() - began
        figures = await engine.statistics()
        error = "Exit code 2\nmake: no rule to make target 'part-999'"
        failed = {"tool": "Bash", "ok": False, "error": error}
        reply = await engine.get_recommendations({"recent_steps": [failed]})
    best = reply.recommendations[0] if reply.recommendations else None
    return {
        "steps": figures.learning["steps"],
        "events_per_second": round((CALLS + AT_ONCE) / took),
        "repair": str(best.action) if best else None,
    }


def run() -> dict[str, JsonValue]:
    """Return the figures."""
    with tempfile.TemporaryDirectory(prefix="tmws-hooks-") as home:
        folder = Path(home) / spool.FOLDER
        bare = [sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.read()"]
        hook = [sys.executable, "-I", "-S", hook_entry.__file__, str(folder), "benchmark"]
        python, added = [], []
        for event in events():
            content = json.dumps(event).encode()
            python.append(ran(bare, content))
            added.append(ran(hook, content))
        together = at_once(hook, json.dumps(next(events())).encode())
        settings = Settings.load({"TMWS_HOME": home, "TMWS_NAMESPACE": "benchmark"})
        return {
            "python_alone": shares(python),
            "hook": shares(added),
            "at_once_ms": round(together, 1),
            **anyio.run(arrived, settings),
        }


def table(figures: dict[str, JsonValue]) -> Table:
    """Return the figures as people read them."""
    rows = []
    for name, title in (("python_alone", "Python alone"), ("hook", "hook")):
        row = figures[name]
        assert isinstance(row, dict)
        rows.append((title, *map(str, row.values())))
    title = (
        f"{CALLS} calls in cold processes, ms; {AT_ONCE} at once: {figures['at_once_ms']} ms; "
        f"{figures['steps']} of {CALLS + AT_ONCE} arrived, {figures['events_per_second']}/s; "
        f"the repair is {figures['repair']}"
    )
    return Table(title, ("", "p50", "p95"), rows)


def main() -> int:
    """Measure; 1 if an event was lost or the repair is not recommended."""
    parser = arguments(__doc__ or "")
    options = parser.parse_args()
    figures = run()
    show(figures, [table(figures)], as_json=options.json)
    return int(figures["steps"] != CALLS + AT_ONCE or figures["repair"] != REPAIR)


if __name__ == "__main__":
    sys.exit(main())
