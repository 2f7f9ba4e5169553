"""The project and the memory that the tasks are about: a small service that imports manifests.

Written for this purpose. The repository has a release, commits of several days after it, and work
that is not committed; the notes are of six weeks, and what was observed are runs of four tasks.
"""

import json
import os
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tmws_mcp.engine import Engine

DATA = Path(__file__).resolve().parents[1] / "data"
NOTES, PROJECT = DATA / "token_notes.jsonl", DATA / "token_project.json"

AFTER_RELEASE = (
    (9, "harbor/parse.py", "# An empty first line is skipped.\n", "Skip empty lines of a manifest"),
    (6, "harbor/tracker.py", "# The contract allows two requests a second.\n", "Pool the tracker"),
    (3, "harbor/store.py", "# Batches keep the order of rows.\n", "Insert rows in batches"),
    (1, "tests/test_retries.py", "\n# The clock is given.\n", "Give the test of retries a clock"),
    (1, "CHANGELOG.md", "\n## Next\n- Faster import.\n", "Begin the changelog of the next release"),
)
TASKS = {
    "import the nightly manifests": ("fetch_manifests", "parse_manifest", "insert_rows", "report"),
    "optimise parse_manifest": ("profile_run", "edit_file", "benchmark_run", "run_tests"),
    "release a version": ("run_nightly", "write_changelog", "git_tag", "build_wheel", "publish"),
    "rename a column": ("add_column", "write_both", "copy_rows", "run_tests", "drop_column"),
}
RECOVERIES = (
    ("insert_rows", "database is locked", "close_reader"),
    ("fetch_manifests", "TimeoutError: the tracker did not answer", "retry_with_pool"),
)


def make_project(folder: Path, now: datetime) -> None:
    """Write the repository, with commits of the days before `now`."""
    for name, text in json.loads(PROJECT.read_text("utf-8")).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    _git(folder, now, "init", "-q", "-b", "main")
    _commit(folder, now - timedelta(days=15), "Release 1.2.0")
    _git(folder, now, "tag", "v1.2.0")
    for days, name, added, subject in AFTER_RELEASE:
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(added)
        _commit(folder, now - timedelta(days=days), subject)
    with (folder / "harbor/store.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef count_rows(db):\n    return db.execute('SELECT count(*) FROM row')\n")
    (folder / "harbor/batches.py").write_text('"""Batches of rows."""\n', "utf-8")


async def fill(engine: Engine, now: datetime) -> None:
    """Store the notes, and observe the runs."""
    notes = [json.loads(line) for line in NOTES.read_text("utf-8").splitlines()]
    for note in sorted(notes, key=lambda each: -each["days_ago"]):
        happened = now - timedelta(days=note.pop("days_ago"))
        await engine.store_memory({**note, "occurred_at": happened.isoformat()})
    for task, tools in TASKS.items():
        for run in range(4):
            await _observe(engine, task, tools, f"{task}-{run}")
    for tool, error, recovery in RECOVERIES:
        for run in range(3):
            await _recover(engine, tool, error, recovery, f"{tool}-{error}-{run}")


async def _observe(engine: Engine, task: str, tools: Sequence[str], session: str) -> None:
    steps = [
        {"task": task, "tool_used": tool, "success": True, "session_id": session, "step": number}
        for number, tool in enumerate(tools, 1)
    ]
    await engine.observe_interaction({"interactions": steps})
    last = {"session_id": session, "outcome": "success", "step": len(tools) + 1}
    await engine.observe_interaction({"task": task, "tool_used": tools[-1], **last})


async def _recover(engine: Engine, tool: str, error: str, recovery: str, session: str) -> None:
    failed = {"tool_used": tool, "success": False, "error": error, "recovery_action": recovery}
    await engine.observe_interaction({"session_id": session, "step": 1, **failed})
    for number, name in enumerate((recovery, tool), 2):
        step = {"session_id": session, "step": number, "tool_used": name, "success": True}
        await engine.observe_interaction(step)


def _commit(folder: Path, day: datetime, subject: str) -> None:
    _git(folder, day, "add", ".")
    _git(folder, day, "commit", "-q", "-m", subject)


def _git(folder: Path, day: datetime, *arguments: str) -> None:
    moment = day.astimezone(UTC).isoformat()
    dates = {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}
    author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    subprocess.run(
        ["git", *author, *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        env={**os.environ, **dates},
    )
