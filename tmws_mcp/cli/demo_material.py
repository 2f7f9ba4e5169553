"""What the demo's story is made of: notes and recorded steps of building this project.

Both are files of the package, one JSON object in a line: a note has the arguments of store_memory,
a step those of observe_interaction. The steps are commands that were run, with their exit code and
the first telling line of what failed; among them renamings tried out in a copy. Only the paths of
the machine were taken out.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

NOTES, STEPS = "notes.jsonl", "steps.jsonl"

Record = Mapping[str, Any]


@cache
def notes() -> tuple[Record, ...]:
    """Return the notes in their order."""
    return _records(NOTES)


@cache
def sessions() -> Mapping[str, tuple[Record, ...]]:
    """Return the recorded steps of each session, in their order."""
    grouped: dict[str, list[Record]] = {}
    for step in _records(STEPS):
        grouped.setdefault(step["session_id"], []).append(step)
    return {name: tuple(steps) for name, steps in grouped.items()}


def notes_in_full() -> str:
    """Return what a model would have to read without a memory: every note."""
    return "\n".join(note["content"] for note in notes())


def steps_in_full() -> str:
    """Return what a model would have to read without learning: every step, in few words."""
    lines = []
    for steps in sessions().values():
        lines += [steps[0]["task"], *map(_in_words, steps)]
    return "\n".join(lines)


def _in_words(step: Record) -> str:
    return f"{step['tool_used']}: {'ok' if step['success'] else step['error']}"


def _records(name: str) -> tuple[Record, ...]:
    text = (files("tmws_mcp.cli") / "demo_data" / name).read_text(encoding="utf-8")
    return tuple(json.loads(line) for line in text.splitlines())
