"""Traces and runs made up here, small enough to be learned in a moment."""

import gzip
import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

OUTSIDER = '''
"""A recommender that knows nothing of the product: whatever followed the last step."""

EVENTS, CONTEXTS = [], []


class Follower:
    def __init__(self):
        self.after, self.last = {}, {}

    async def observe(self, event):
        EVENTS.append(event)
        if "tool" in event:
            self.after[self.last.get(event["s"])] = event["tool"]
            self.last[event["s"]] = event["tool"]

    async def recommend(self, context):
        CONTEXTS.append(context)
        if context["kind"] == "workflow":
            return [{"action": ["mail-list", "mail-read", "mail-send"], "confidence": 0.5}]
        if context["kind"] == "variant":
            return [{"action": context["candidates"][0], "confidence": 0.5}]
        last = context["steps"][-1]["tool"] if context["steps"] else None
        tool = self.after.get(last)
        return [{"action": tool, "confidence": 0.5}] if tool else None
'''


def written(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    with gzip.open(path, "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def traces(folder: Path, sessions: int = 12, *, name: str = "made_up") -> Path:
    """Sessions of three steps of one kind; in each fourth the second step fails once."""
    draw = random.Random(name)
    rows: list[dict[str, Any]] = []
    for number in range(sessions):
        kind = draw.choice(("mail", "file"))
        verbs = ["list", "read", "send"] if number % 4 else ["list", "read!", "list", "send"]
        about = f"{verbs[-1]} the {kind} number {number}"
        first = {"ds": name, "task_id": f"{name}{number}", "task": about, "turn": about}
        for place, verb in enumerate(verbs):
            step = {"s": f"{name}{number}", "tool": f"{kind}-{verb.strip('!')}", "ok": True}
            if verb.endswith("!"):
                step |= {"ok": False, "err": f"no such {kind}: {number}"}
            rows.append(step if place else step | first)
        rows.append({"s": f"{name}{number}", "end": 1, "success": True})
    return written(folder / f"{name}.jsonl.gz", rows)


def runs(folder: Path, tasks: int = 12) -> Path:
    """Runs of three variants: a good one, one as good but slow, and a bad one."""
    variants = {"quick": (True, 1.0), "slow": (True, 9.0), "bad": (False, 1.0)}
    rows = [
        {"task_id": f"t{task}", "service": "files", "task": f"sort the files of {task}"}
        | {"variant": name, "success": success, "sec": seconds, "tokens": 100}
        for task in range(tasks)
        for name, (success, seconds) in variants.items()
    ]
    return written(folder / "runs.jsonl.gz", rows)


def outsider(folder: Path, name: str) -> str:
    """Write the module of the recommender above, and return what `--beside` takes."""
    (folder / f"{name}.py").write_text(OUTSIDER, "utf-8")
    return f"{name}:Follower"
