"""The public LoCoMo file: long dialogues in dated sessions, questions, and the turns that answer.

Read from where the caller has it (github.com/snap-research/locomo); it is not ours to pass on.
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

EVIDENCE = re.compile(r"D:?(\d+):(\d+)", re.ASCII)
SESSION = re.compile(r"session_(\d+)", re.ASCII)
DATE = "%I:%M %p on %d %B, %Y"


@dataclass(frozen=True)
class Turn:
    """What somebody said; a picture that was shared is given by its caption."""

    id: str
    session: int
    speaker: str
    text: str
    said_at: str | None


@dataclass(frozen=True)
class Question:
    """A question, and the turns that hold its answer."""

    text: str
    category: int
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Dialogue:
    """A dialogue with its questions."""

    id: str
    turns: tuple[Turn, ...]
    questions: tuple[Question, ...]


def read_dialogues(path: Path) -> list[Dialogue]:
    """Return the dialogues of a file, plain or .gz, without questions that have no evidence."""
    content = path.read_bytes()
    raw = json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)
    return [_dialogue(one) for one in raw]


def _dialogue(raw: Mapping[str, Any]) -> Dialogue:
    turns = tuple(_turns(raw["conversation"]))
    known = {turn.id for turn in turns}
    questions = (
        Question(one["question"], one["category"], _evidence(one, known)) for one in raw["qa"]
    )
    return Dialogue(raw["sample_id"], turns, tuple(one for one in questions if one.evidence))


def _turns(conversation: Mapping[str, Any]) -> Iterator[Turn]:
    numbers = sorted(int(found[1]) for key in conversation if (found := SESSION.fullmatch(key)))
    for number in numbers:
        said_at = _moment(conversation.get(f"session_{number}_date_time", ""))
        for turn in conversation[f"session_{number}"]:
            caption = turn.get("blip_caption")
            text = turn["text"] + (f" [shares {caption}]" if caption else "")
            yield Turn(turn["dia_id"], number, turn["speaker"], text, said_at)


def _moment(date: str) -> str | None:
    """Return '1:56 pm on 8 May, 2023' as ISO 8601."""
    try:
        return datetime.strptime(date, DATE).replace(tzinfo=UTC).isoformat()
    except ValueError:
        return None


def _evidence(raw: Mapping[str, Any], known: set[str]) -> tuple[str, ...]:
    text = " ".join(raw.get("evidence") or ())
    ids = (f"D{int(found[1])}:{int(found[2])}" for found in EVIDENCE.finditer(text))
    return tuple(one for one in dict.fromkeys(ids) if one in known)
