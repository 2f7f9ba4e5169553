"""Traces of agents: gzipped JSON lines, one for each step and one for the end of each session.

{"s": session, "tool", "ok", "err", "args", "turn"}; the first one of a session also has
"ds" (the set), "task_id", "task", and "tools" where the source tells which could be called
{"s": session, "end": 1, "success": true | false | null}
"""

import gzip
import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Step = dict[str, Any]

REPAIRED_WITHIN = 5
"""So many steps after an error are looked at for what repaired it."""


@dataclass(slots=True)
class Session:
    """One run of an agent."""

    name: str
    steps: list[Step] = field(default_factory=list)
    success: bool | None = None

    @property
    def task(self) -> str:
        """Return what the agent was asked for."""
        return str(self.steps[0].get("task") or "")

    @property
    def task_id(self) -> str:
        """Return the key of the task in its set."""
        return str(self.steps[0]["task_id"])

    @property
    def dataset(self) -> str:
        """Return the set of traces that it is of."""
        return str(self.steps[0].get("ds") or "")

    @property
    def agent(self) -> str | None:
        """Return whose run it is, None where the source does not tell."""
        return self.steps[0].get("agent")

    @property
    def tools(self) -> tuple[str, ...]:
        """Return the tools that could be called, none where the source does not tell."""
        return tuple(self.steps[0].get("tools") or ())

    @property
    def is_held_out(self) -> bool:
        """Tell whether the task is among those that are never learned from."""
        return hashlib.sha1(f"unseen:{self.task_id}".encode()).digest()[-1] % 2 == 1


def read(path: Path, *, limit: int | None = None, seed: int = 0) -> list[Session]:
    """Return the sessions of a file in a shuffled order that depends on the seed alone."""
    sessions: dict[str, Session] = {}
    for event in _events(path):
        session = sessions.setdefault(event["s"], Session(_opaque(event["s"])))
        if "end" in event:
            session.success = event.get("success")
        else:
            session.steps.append(event)
    found = [session for session in sessions.values() if session.steps]
    random.Random(seed).shuffle(found)
    return found[:limit]


def right_answers(session: Session, number: int) -> list[tuple[str, str]]:
    """Return (want, right answer) before a step: the step, and what then repaired an error."""
    found = [("next", session.steps[number]["tool"])]
    if number and not session.steps[number - 1]["ok"]:
        within = session.steps[number : number + REPAIRED_WITHIN]
        found += [("recover", step["tool"]) for step in within if step["ok"]][:1]
    return found


def _events(path: Path) -> Iterator[Step]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _opaque(name: str) -> str:
    """Session names of some sources tell the task or the agent: nothing may be read from them."""
    return "s" + hashlib.sha1(name.encode()).hexdigest()[:12]
