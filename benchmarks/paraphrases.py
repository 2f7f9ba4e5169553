"""Is a memory found by a question that says it in other words?

The data are our own (data/paraphrases.jsonl): notes of software projects and of personal life, each
with a question that shares at most one content word with it, among as many other notes on the same
topics, most of which have one of its words. That they share no more is checked before anything is
measured, by the stemmer of the full-text index. Half of the pairs are sealed: they are measured,
and never looked at while tuning.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import anyio
from pydantic import JsonValue

from benchmarks.bm25 import PlainIndex, stems
from benchmarks.memory import fill
from benchmarks.report import Table, arguments, show
from tmws_mcp import Settings, open_engine

DATA = Path(__file__).parent / "data" / "paraphrases.jsonl"
SHARED_WORDS_MAX = 1
DEPTH = 10
"""A note further down is not found at all."""
HIT_AT = 5
LEAD_MIN = 0.15
"""By how much hit@5 must be above BM25's."""


@dataclass(frozen=True)
class Pair:
    """A question, and which of the notes it is about."""

    query: str
    note: int
    sealed: bool
    shared: int = 0
    """Content words that it has in common with its note."""


@dataclass(frozen=True)
class Data:
    """All notes, the pairs' and the others'."""

    notes: Sequence[str]
    pairs: Sequence[Pair]


def read(path: Path) -> Data:
    """Read the data, and make sure that they are what they should be.

    Raises:
        SystemExit: A question shares too many words with its note.
    """
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    notes = [row["note"] for row in rows]
    pairs = [
        Pair(row["query"], number, row["sealed"])
        for number, row in enumerate(rows)
        if "query" in row
    ]
    shared = shared_words(notes, pairs)
    for pair, words in zip(pairs, shared, strict=True):
        if len(words) > SHARED_WORDS_MAX:
            sys.exit(f"{pair.query!r} shares {sorted(words)} with {notes[pair.note]!r}.")
    return Data(
        notes, [replace(pair, shared=len(words)) for pair, words in zip(pairs, shared, strict=True)]
    )


def shared_words(notes: Sequence[str], pairs: Sequence[Pair]) -> list[frozenset[str]]:
    """Return the content words that each question has in common with its note."""
    asked = stems(pair.query for pair in pairs)
    said = stems(notes[pair.note] for pair in pairs)
    return [one & other for one, other in zip(asked, said, strict=True)]


async def measure(home: str, data: Data, embedder: str) -> dict[str, JsonValue]:
    """Return the figures of recall_memory and of BM25, for the open pairs and the sealed ones."""
    settings = Settings.load(
        {"TMWS_HOME": home, "TMWS_NAMESPACE": "benchmark", "TMWS_EMBEDDER": embedder}
    )
    plain = PlainIndex(data.notes)
    number = {note: place for place, note in enumerate(data.notes)}
    ours, beside = [], []
    async with open_engine(settings) as engine:
        await fill(engine, data.notes)
        for pair in data.pairs:
            reply = await engine.recall_memory(
                {"query": pair.query, "limit": DEPTH, "token_budget": 4_000}
            )
            found = [number[memory.content] for memory in reply.memories]
            ours.append(rank(found, pair.note))
            beside.append(rank(plain.search(pair.query, DEPTH), pair.note))
    plain.close()
    every = {"recall_memory": ours, "BM25": beside}
    figures = {name: by_part(data.pairs, ranks) for name, ranks in every.items()}
    return {"notes": len(data.notes), "pairs": len(data.pairs), **figures}


def rank(found: Sequence[int], wanted: int) -> int:
    """Return at which place the note stands, from 1; 0 where it does not."""
    return found.index(wanted) + 1 if wanted in found else 0


PARTS: Mapping[str, Callable[[Pair], bool]] = {
    "open": lambda pair: not pair.sealed,
    "sealed": lambda pair: pair.sealed,
    "no common word": lambda pair: pair.shared == 0,
    "one common word": lambda pair: pair.shared == 1,
    "all": lambda _: True,
}


def by_part(pairs: Sequence[Pair], ranks: Sequence[int]) -> dict[str, JsonValue]:
    """Return the figures of each part of the pairs."""
    return {
        name: scores([rank for pair, rank in zip(pairs, ranks, strict=True) if belongs(pair)])
        for name, belongs in PARTS.items()
    }


def scores(ranks: Sequence[int]) -> dict[str, JsonValue]:
    """Return shares found, and the mean of 1 through the rank; hit is recall: one note each."""
    return {
        "hit@1": round(sum(rank == 1 for rank in ranks) / len(ranks), 3),
        "hit@5": round(sum(0 < rank <= HIT_AT for rank in ranks) / len(ranks), 3),
        "mrr": round(sum(1 / rank for rank in ranks if rank) / len(ranks), 3),
    }


def score(figures: Mapping[str, JsonValue], system: str, part: str, name: str) -> float:
    """Return one figure."""
    parts = figures[system]
    assert isinstance(parts, dict)
    values = parts[part]
    assert isinstance(values, dict)
    return float(str(values[name]))


def table(figures: Mapping[str, JsonValue]) -> Table:
    """Return the figures as people read them."""
    names, systems = ("hit@1", "hit@5", "mrr"), ("recall_memory", "BM25")
    rows = [
        (part, *(f"{score(figures, one, part, name):.3f}" for one in systems for name in names))
        for part in PARTS
    ]
    columns = ("", *names, *(f"BM25 {name}" for name in names))
    return Table(f"{figures['pairs']} questions, {figures['notes']} notes", columns, rows)


def ahead(figures: Mapping[str, JsonValue]) -> bool:
    """Say whether recall is as far above BM25 as we promise, on the open and the sealed pairs."""
    return all(
        score(figures, "recall_memory", part, "hit@5")
        >= score(figures, "BM25", part, "hit@5") + LEAD_MIN
        for part in ("open", "sealed")
    )


def main() -> int:
    """Measure on a store of its own; 1 if the promise is broken."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--embedder", default="static", help="as TMWS_EMBEDDER")
    parser.add_argument("--data", type=Path, default=DATA, help="another file of the same form")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        figures = anyio.run(partial(measure, home, read(options.data), options.embedder))
    show(figures, [table(figures)], as_json=options.json)
    return int(not ahead(figures))


if __name__ == "__main__":
    sys.exit(main())
