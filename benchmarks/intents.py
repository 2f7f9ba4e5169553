"""Utterances with their intents, as the CLINC150 file holds them, and what a matcher makes of them.

The file is data_full.json of clinc/oos-eval (Larson et al., 2019), plain or .gz: lists of
[text, intent] under `train`, `val` and `oos_val`. It is not part of this project.
"""

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tmws_mcp.patterns.catalog import Catalog
from tmws_mcp.patterns.definition import Pattern, parse_pattern

IN_SCOPE_SHARE = 0.75
"""Share of the queries that mean a pattern, for what depends on it: calibration (see there)."""
BINS = 10
FALSE_ACCEPTS = 0.05

Utterances = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Data:
    """What is learned of, and what is judged by."""

    train: Mapping[str, Sequence[str]]
    """By intent, in the order of the file."""
    asked: Utterances
    foreign: Sequence[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found for a query: whether it was right, and how sure it was."""

    right: bool
    confidence: float


@dataclass(frozen=True, slots=True)
class Scores:
    """How good answers are; shares, the first three of the queries that mean a pattern."""

    accuracy: float
    """Answered, and by the right pattern."""
    first: float
    """The most probable pattern is the right one, answered or not."""
    coverage: float
    """Answered at a confidence that 5 % of the foreign ones reach."""
    auroc: float
    """How well confidence tells those that mean a pattern from the others; 0 where unanswered."""
    false_accepts: float
    """Share of the foreign ones that were answered."""
    calibration_error: float
    """Mean distance of confidence and share of right answers, over ten bins of confidence."""


def read(path: Path) -> Data:
    """Return the utterances of the file."""
    raw = path.read_bytes()
    data = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    train: dict[str, list[str]] = defaultdict(list)
    for text, intent in data["train"]:
        train[intent].append(text)
    foreign = [item if isinstance(item, str) else item[0] for item in data["oos_val"]]
    return Data(dict(train), [(text, intent) for text, intent in data["val"]], foreign)


def chosen(data: Data, count: int, seed: int) -> dict[str, list[str]]:
    """Return so many examples of each intent."""
    choose = random.Random(seed)
    return {intent: choose.sample(list(texts), count) for intent, texts in data.train.items()}


def catalog_of(examples: Mapping[str, Sequence[str]]) -> Catalog:
    """Return a catalogue with a pattern for each intent, which has its examples and no trigger."""
    return Catalog(
        {f"memory.{name}": _pattern(name, texts) for name, texts in examples.items()}, {}, (), ""
    )


def _pattern(name: str, texts: Sequence[str]) -> Pattern:
    definition = {
        "id": f"memory.{name}",
        "route": "memory",
        "summary": name.replace("_", " "),
        "examples": {"match": list(texts)},
        "steps": [{"name": "found", "recall": "{query}"}],
    }
    return parse_pattern(definition, path=name)


def scores(own: Sequence[Answer], foreign: Sequence[Answer], first: float, least: float) -> Scores:
    """Return the scores; answers below the confidence `least` count as none."""
    sure, strange = ([_answered(answer, least) for answer in every] for every in (own, foreign))
    answered = [answer.right and value > 0 for answer, value in zip(own, sure, strict=True)]
    strangest = sorted((answer.confidence for answer in foreign), reverse=True)
    bar = strangest[int(FALSE_ACCEPTS * len(foreign))]
    return Scores(
        accuracy=sum(answered) / len(own),
        first=first,
        coverage=sum(answer.confidence > bar for answer in own) / len(own),
        auroc=auroc(sure, strange),
        false_accepts=sum(value > 0 for value in strange) / len(strange),
        calibration_error=calibration_error(own, foreign),
    )


def _answered(answer: Answer, least: float) -> float:
    """Return the confidence of an answer, 0 where there is none."""
    return answer.confidence if answer.confidence >= least else 0.0


def auroc(higher: Sequence[float], lower: Sequence[float]) -> float:
    """Return how often a value of the first is above one of the second; a tie counts half."""
    values = sorted({*higher, *lower})
    place = {value: n for n, value in enumerate(values)}
    counts, below, won = [0] * len(values), 0, 0.0
    for value in lower:
        counts[place[value]] += 1
    ranks = []
    for count in counts:
        ranks.append(below + count / 2)
        below += count
    won = sum(ranks[place[value]] for value in higher)
    return won / (len(higher) * len(lower))


def calibration_error(own: Sequence[Answer], foreign: Sequence[Answer]) -> float:
    """Return the expected calibration error, with queries in the assumed shares."""
    parts = ((own, IN_SCOPE_SHARE / len(own)), (foreign, (1 - IN_SCOPE_SHARE) / len(foreign)))
    gaps = [0.0] * BINS
    for answers, weight in parts:
        for answer in answers:
            place = min(int(answer.confidence * BINS), BINS - 1)
            gaps[place] += weight * (answer.confidence - answer.right)
    return sum(map(abs, gaps))
