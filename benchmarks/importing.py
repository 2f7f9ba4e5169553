"""How quickly are transcripts learned from, in how much memory, and is a repeat harmless?

The transcripts are made up, in the form of Claude Code's: sessions of forty calls, a tenth of which
fail and are repaired, with results of some kilobytes, as files that are read have them. Secrets
stand in messages, commands and errors. They are imported by the command, each time in a process of
its own; then the bytes of the data folder are searched for the secrets.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from benchmarks.report import Table, arguments, show

MEGABYTE = 1_000_000
CALLS_EACH, FAIL_EACH, SECRET_EACH = 40, 10, 7
RESULT_CHARS = (500, 12_000)
TOOLS = ("Read", "Grep", "Edit", "Bash", "Write")
TASKS = ("mend the build", "add a test for the parser", "speed up the import", "rename the module")
WORDS = ("the", "parser", "reads", "a", "line", "and", "gives", "its", "tokens", "to", "whoever")


def secret(number: int) -> str:
    """Return a made-up key in the form of a vendor's."""
    return f"sk-ant-api03-{random.Random(number).getrandbits(256):064x}"


def session(number: int) -> Iterator[dict[str, Any]]:
    """Yield the entries of one session's transcript."""
    chance = random.Random(number)
    common = {"sessionId": f"session-{number}", "isSidechain": False}
    task = f"{TASKS[number % len(TASKS)]}; the key is {secret(number)}"
    yield common | {"type": "user", "message": {"role": "user", "content": task}}
    for step in range(CALLS_EACH):
        fails = step % FAIL_EACH == 1
        tool = "Bash" if fails else "Edit" if step % FAIL_EACH == 2 else chance.choice(TOOLS)
        command = f"make part-{step}"
        if step % SECRET_EACH == 0:
            command = f"API_KEY={secret(number)} {command}"
        yield common | used(number, step, tool, command)
        text = " ".join(chance.choices(WORDS, k=chance.randrange(*RESULT_CHARS) // 5))
        error = f"Exit code 2\nno rule to make part-{step}, token {secret(number)}\n"
        yield common | answered(number, step, error + text if fails else text, fails=fails)


def used(number: int, step: int, tool: str, command: str) -> dict[str, Any]:
    """Return the entry of a call."""
    block = {"type": "tool_use", "id": f"toolu_{number}_{step}", "name": tool}
    message = {"role": "assistant", "content": [block | {"input": {"command": command}}]}
    return {"type": "assistant", "timestamp": moment(2 * step), "message": message}


def answered(number: int, step: int, text: str, *, fails: bool) -> dict[str, Any]:
    """Return the entry of a call's result."""
    block = {"type": "tool_result", "tool_use_id": f"toolu_{number}_{step}", "is_error": fails}
    message = {"role": "user", "content": [block | {"content": text}]}
    return {"type": "user", "timestamp": moment(2 * step + 1), "message": message}


def moment(second: int) -> str:
    """Return a time of day."""
    return f"2026-02-01T14:{second // 60:02d}:{second % 60:02d}.000Z"


def fill(folder: Path, bytes_min: int) -> tuple[int, int]:
    """Write sessions until there are so many bytes; return how many sessions and bytes."""
    written = number = 0
    while written < bytes_min:
        lines = "".join(json.dumps(entry) + "\n" for entry in session(number))
        (folder / f"session-{number}.jsonl").write_text(lines, "utf-8")
        written += len(lines)
        number += 1
    return number, written


def imported(folder: Path, home: Path) -> tuple[float, float, dict[str, Any]]:
    """Import by the command; return seconds, peak megabytes and what it said."""
    command = [sys.executable, "-m", "tmws_mcp", "import", "claude-code", str(folder), "--json"]
    environment = {**os.environ, "TMWS_HOME": str(home), "TMWS_NAMESPACE": "benchmark"}
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    return took, usage.ru_maxrss * unit / MEGABYTE, json.loads(said)


def leaks(home: Path, sessions: int) -> int:
    """Return how many of the planted secrets lie somewhere in the data folder."""
    contents = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    secrets = [secret(number).encode() for number in range(sessions)]
    return sum(any(one in content for content in contents) for one in secrets)


def run(megabytes: int) -> dict[str, JsonValue]:
    """Return the figures."""
    with tempfile.TemporaryDirectory(prefix="tmws-importing-") as name:
        folder, home = Path(name, "projects"), Path(name, "home")
        folder.mkdir()
        sessions, size = fill(folder, megabytes * MEGABYTE)
        took, peak, first = imported(folder, home)
        again, _, second = imported(folder, home)
        return {
            "megabytes": round(size / MEGABYTE, 1),
            "sessions": sessions,
            "calls": first["calls"],
            "seconds": round(took, 1),
            "megabytes_per_second": round(size / MEGABYTE / took, 2),
            "calls_per_second": round(first["calls"] / took),
            "peak_mb": round(peak),
            "observed": first["observed"],
            "again_observed": second["observed"],
            "again_known_files": second["files_known"],
            "again_seconds": round(again, 1),
            "planted": sessions,
            "leaked": leaks(home, sessions),
        }


def table(figures: dict[str, JsonValue]) -> Table:
    """Return the figures as people read them."""
    title = f"{figures['megabytes']} MB of transcripts, {figures['sessions']} sessions"
    rows = [(name.replace("_", " "), str(value)) for name, value in figures.items()]
    return Table(title, ("", ""), rows)


def main() -> int:
    """Measure; 1 if a repeat was counted, a call was lost or a secret was kept."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--megabytes", type=int, default=50, help="of transcripts to make up")
    options = parser.parse_args()
    figures = run(options.megabytes)
    show(figures, [table(figures)], as_json=options.json)
    sessions = figures["sessions"]
    assert isinstance(sessions, int)
    expected = sessions * (CALLS_EACH + 1)  # and the end of each
    lost = figures["observed"] != expected
    return int(bool(lost or figures["again_observed"] or figures["leaked"]))


if __name__ == "__main__":
    sys.exit(main())
