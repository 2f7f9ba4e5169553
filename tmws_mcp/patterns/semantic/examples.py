"""What there is to learn from in a catalogue, and in what nobody's catalogue is written for.

A pattern's examples, and exact triggers of several words, are queries that mean it. A query that
must not lead to it belongs to the pattern whose trigger it matches; where there is none, it is a
counterexample.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from tmws_mcp.patterns.definition import Pattern
from tmws_mcp.patterns.semantic.training import BACKGROUND, COUNTEREXAMPLE, Examples
from tmws_mcp.patterns.semantic.words import normalised

BACKGROUND_FILE = Path(__file__).parent / "background.txt"

Owner = Callable[[str], str | None]
"""Says which pattern's trigger a query matches."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What there is to learn from."""

    patterns: frozenset[str]
    meanings: Mapping[str, str | None]
    """The texts with the pattern that each means; None for no pattern."""


def examples_of(patterns: Mapping[str, Pattern], owner: Owner) -> tuple[tuple[str, ...], Examples]:
    """Return the ids of patterns that can be learned, and their examples by their numbers there."""
    known: dict[str, tuple[str, str]] = {}
    for name in sorted(patterns):
        pattern = patterns[name]
        # A single word is a command: what contains it may mean anything.
        phrases = (text for text in pattern.triggers.exact if len(normalised(text).split()) > 1)
        for text in (*pattern.examples.match, *pattern.examples.like, *phrases):
            known.setdefault(normalised(text), (name, text))
    strange = {normalised(text): (BACKGROUND, text) for text in background()}
    for name, text in sorted(
        (n, text) for n, p in patterns.items() for text in p.examples.no_match
    ):
        other = owner(text)
        if other and other != name:
            known.setdefault(normalised(text), (other, text))
        else:
            strange[normalised(text)] = (COUNTEREXAMPLE, text)
    own = sorted(pair for text, pair in known.items() if text)
    far = [pair for text, pair in strange.items() if text and text not in known]
    names = tuple(dict.fromkeys(name for name, _ in own))
    number = {name: place for place, name in enumerate(names)}
    labels = [*(number[name] for name, _ in own), *(label for label, _ in far)]
    texts = tuple(text for _, text in (*own, *far))
    return names, Examples(texts, np.array(labels, np.int32), len(names))


def lesson_of(patterns: Mapping[str, Pattern], owner: Owner) -> Lesson:
    """Return what all texts mean."""
    names, examples = examples_of(patterns, owner)
    meant = (names[label] if label >= 0 else None for label in examples.labels.tolist())
    return Lesson(frozenset(names), dict(zip(examples.texts, meant, strict=True)))


@cache
def background() -> tuple[str, ...]:
    """Return queries that mean no pattern, whatever the catalogue."""
    lines = BACKGROUND_FILE.read_text("utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


def digest(names: tuple[str, ...], examples: Examples) -> str:
    """Return what changes with any example, and with nothing else of a catalogue."""
    labelled = zip(examples.texts, examples.labels.tolist(), strict=True)
    said = "\n".join((*names, "", *(f"{label} {text}" for text, label in labelled)))
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()
