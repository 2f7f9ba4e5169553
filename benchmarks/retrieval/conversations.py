"""The public file of LoCoMo (Maharana et al., 2024) -> conversations and questions about them.

The file is not part of this repository: its licence forbids commercial use. Get `locomo10.json`
from snap-research/locomo and give its path.
"""

import gzip
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CATEGORIES = {
    1: "multi-hop",
    2: "temporal",
    3: "open-domain",
    4: "single-hop",
    5: "adversarial",
}
CHARS_PER_TOKEN = 4
"""Of English chat it is 4.1; whoever compares systems must count alike for all of them."""


@dataclass(frozen=True)
class Turn:
    """What somebody said."""

    id: str
    session: int
    speaker: str
    text: str
    date: str

    @property
    def tokens(self) -> int:
        """Return what an agent pays for being shown it, with its date and speaker."""
        return math.ceil(len(f"[{self.date}] {self.speaker}: {self.text}") / CHARS_PER_TOKEN)

    @property
    def said_at(self) -> datetime | None:
        """Return when it was said, where the file says so."""
        try:
            return datetime.strptime(self.date, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
        except ValueError:
            return None


@dataclass(frozen=True)
class Question:
    """A question, and the turns that hold its answer."""

    text: str
    category: int
    evidence: frozenset[str]


@dataclass(frozen=True)
class Conversation:
    """Two people over months."""

    id: str
    turns: tuple[Turn, ...]
    questions: tuple[Question, ...]
    """Those with evidence that the conversation has."""


def load(path: Path) -> list[Conversation]:
    """Return the conversations of a file, which may be gzipped."""
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    return [_conversation(raw) for raw in json.loads(text)]


def _conversation(raw: dict[str, Any]) -> Conversation:
    turns = tuple(_turns(raw["conversation"]))
    known = {turn.id for turn in turns}
    asked = (_question(one, known) for one in raw["qa"])
    return Conversation(raw["sample_id"], turns, tuple(one for one in asked if one.evidence))


def _turns(raw: dict[str, Any]) -> Iterator[Turn]:
    numbers = (re.fullmatch(r"session_(\d+)", key) for key in raw)
    for session in sorted(int(found[1]) for found in numbers if found):
        date = raw.get(f"session_{session}_date_time", "")
        for turn in raw[f"session_{session}"] or ():
            picture = turn.get("blip_caption")
            text = turn["text"] + (f" [shares {picture}]" if picture else "")
            yield Turn(turn["dia_id"], session, turn["speaker"], text, date)


def _question(raw: dict[str, Any], known: set[str]) -> Question:
    """Read a question; the file writes its evidence as "D1:3", "D:1:3" and "D1:3; D2:4"."""
    named = re.findall(r"D:?(\d+):(\d+)", " ".join(raw.get("evidence") or ()))
    evidence = frozenset(f"D{int(session)}:{int(turn)}" for session, turn in named) & known
    return Question(raw["question"], int(raw["category"]), evidence)
