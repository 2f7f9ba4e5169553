"""How well and how fast is a query matched to a pattern?

With the CLINC150 file as argument: each of its 150 intents becomes a pattern with ten of its
training utterances as examples, and the validation utterances are matched, over several choices of
examples; beside it semantic-router with the same embedder and examples, where it is installed: it
is no dependency, `pip install 'semantic-router>=1.1,<2'` into .venv adds it. Without a file: the
times alone, of queries that were not asked before; those that were come from a dictionary.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the server does, before numpy

import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import JsonValue

from benchmarks.corpus import DEEDS, PARTS, PEOPLE, THINGS
from benchmarks.intents import Answer, Data, Scores, catalog_of, chosen, read, scores
from benchmarks.report import Table, arguments, show
from tmws_mcp.embedding.static import shipped
from tmws_mcp.patterns.catalog import Catalog
from tmws_mcp.patterns.definition import parse_pattern
from tmws_mcp.patterns.guessing import CONFIDENCE_MIN
from tmws_mcp.patterns.matcher import Matcher

LEARNING_SECONDS_MAX = 600.0
QUERIES = 2_000
SIZES = (16, 150, 1_000)
EXAMPLES = 10
MILLISECONDS_MAX = {"exact": 0.1, "regex": 0.1, "semantic": 1.0}


def learned(catalog: Catalog) -> tuple[Matcher, float]:
    """Return a matcher that knows the examples, and the seconds that it took to learn them."""
    matcher, started = Matcher(catalog), time.perf_counter()
    matcher.learn()
    assert matcher.learned(LEARNING_SECONDS_MAX)
    return matcher, time.perf_counter() - started


def ours(data: Data, examples: Mapping[str, Sequence[str]]) -> tuple[Scores, float]:
    """Return the scores of the matcher, and the seconds that it learned."""
    matcher, seconds = learned(catalog_of(examples))

    def answer(text: str, intent: str = "") -> Answer:
        guess = matcher.guess(text)
        assert guess is not None
        name, confidence = guess.ranked[0]
        return Answer(name == f"memory.{intent}", confidence)

    own = [answer(text, intent) for text, intent in data.asked]
    foreign = [answer(text) for text in data.foreign]
    first = statistics.fmean(one.right for one in own)
    return scores(own, foreign, first, CONFIDENCE_MIN), seconds


def semantic_router(data: Data, examples: Mapping[str, Sequence[str]]) -> Scores | None:
    """Return the scores of semantic-router with our embedder; None if it is not installed."""
    try:
        from semantic_router import IndexedRouter, Route  # noqa: PLC0415 - may not be installed
        from semantic_router.encoders import DenseEncoder  # noqa: PLC0415 - as above
    except ImportError:
        return None

    class Encoder(DenseEncoder):  # type: ignore[misc]
        def __call__(self, docs: list[str]) -> list[list[float]]:
            rows: list[list[float]] = shipped().encode(docs).tolist()
            return rows

    routes = [Route(name=name, utterances=list(texts)) for name, texts in examples.items()]
    router = IndexedRouter(encoder=Encoder(name="static"), routes=routes)

    def answer(text: str, intent: str = "") -> Answer:
        found = router(text)
        return Answer(found.name == intent, float(found.confidence or 0.0))

    own = [answer(text, intent) for text, intent in data.asked]
    first = statistics.fmean(one.right for one in own)
    # It abstains by a threshold that the user sets, and has none by default: all is counted.
    return scores(own, [answer(text) for text in data.foreign], first, 0.0)


def quality(data: Data, seeds: int, counts: Sequence[int]) -> dict[str, JsonValue]:
    """Return the mean scores over choices of examples."""
    found: dict[str, JsonValue] = {}
    for count in counts:
        choices = [chosen(data, count, seed) for seed in range(seeds)]
        own = [ours(data, examples) for examples in choices]
        learning = statistics.fmean(seconds for _, seconds in own)
        found[f"tmws_mcp, {count} examples"] = _mean([s for s, _ in own]) | {"learning_s": learning}
        others = [semantic_router(data, examples) for examples in choices]
        if beside := [other for other in others if other]:
            found[f"semantic-router, {count} examples"] = _mean(beside)
    return found


def _mean(every: Sequence[Scores]) -> dict[str, JsonValue]:
    rows = [asdict(one) for one in every]
    return {name: round(statistics.fmean(row[name] for row in rows), 4) for name in rows[0]}


def made_up(patterns: int) -> Catalog:
    """Return a catalogue in which each pattern has a trigger of each kind and ten examples."""
    made = {}
    for number in range(patterns):
        who, part = PEOPLE[number % len(PEOPLE)], PARTS[number // len(PEOPLE) % len(PARTS)]
        thing = THINGS[number // (len(PEOPLE) * len(PARTS)) % len(THINGS)]
        subject = f"the {thing} of the {part} that {who} looks after"
        name = f"memory.p{number}"
        made[name] = parse_pattern(
            {
                "id": name,
                "route": "memory",
                "summary": subject,
                "triggers": {
                    "exact": [f"show page {number}"],
                    "regex": [rf"(?i)\bpage {number} of (?P<book>[a-z ]+)\W*$"],
                },
                "examples": {"match": [f"{subject} {deed} {number}" for deed in DEEDS[:EXAMPLES]]},
                "steps": [{"name": "found", "recall": "{query}"}],
            },
            path=name,
        )
    return Catalog(made, {}, (), "")


def speed() -> dict[str, JsonValue]:
    """Return the times of each kind of match by the number of patterns, in milliseconds."""
    found: dict[str, JsonValue] = {}
    for size in SIZES:
        matcher, seconds = learned(made_up(size))
        for kind, query in _queries(size).items():
            times = size if kind == "first regex" else QUERIES
            found[f"{kind}, {size} patterns"] = _timed(matcher, map(query, range(times)), kind)
        found[f"learning, {size} patterns"] = {
            "seconds": round(seconds, 2),
            "mb": _megabytes(matcher),
        }
    return found


def _queries(size: int) -> dict[str, Callable[[int], str]]:
    def semantic(number: int) -> str:
        part, thing = PARTS[number % len(PARTS)], THINGS[number % len(THINGS)]
        return f"how is it that {thing} of {part} went to {number} after {PEOPLE[number % 10]} left"

    return {
        "exact": lambda number: f"{' ' * (number // size)}Show page {number % size}!",
        # When it first matches, an expression is tried on all examples.
        "first regex": lambda number: f"first page {number % size} of the book",
        "regex": lambda number: f"{number} times page {number % size} of the book",
        "semantic": semantic,
    }


def _timed(matcher: Matcher, queries: Iterable[str], kind: str) -> dict[str, JsonValue]:
    times = []
    for asked in queries:
        started = time.perf_counter()
        match = matcher.match(asked)
        times.append((time.perf_counter() - started) * 1000)
        assert kind == "semantic" or match.matched_by in kind, (asked, match)
    cuts = statistics.quantiles(times, n=100)
    return {f"p{part}_ms": round(cuts[part - 1], 4) for part in (50, 95, 99)}


def _megabytes(matcher: Matcher) -> float:
    """Return how large the arrays of what was learned are."""
    assert matcher.model is not None
    return round(matcher.model.nbytes / 1e6, 1)


def tables(figures: Mapping[str, JsonValue]) -> list[Table]:
    """Return the figures as people read them, a table for each kind of row."""
    made = []
    for title, rows in figures.items():
        assert isinstance(rows, dict)
        groups: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
        for name, row in rows.items():
            assert isinstance(row, dict)
            cells = tuple(
                f"{value:.4g}" for value in row.values() if isinstance(value, int | float)
            )
            groups.setdefault(tuple(row), []).append((name, *cells))
        made += [Table(title, ("", *columns), lines) for columns, lines in groups.items()]
    return made


def quick_enough(times: Mapping[str, JsonValue]) -> bool:
    """Say whether the 95th percentiles are within what was promised."""
    for name, row in times.items():
        assert isinstance(row, dict)
        limit = MILLISECONDS_MAX.get(name.partition(",")[0])
        p95 = row.get("p95_ms")
        if limit is not None and isinstance(p95, float) and p95 > limit:
            return False
    return True


def main() -> int:
    """Measure; 1 if a match takes longer than was promised."""
    parser = arguments(__doc__ or "")
    parser.add_argument("path", type=Path, nargs="?", help="data_full.json of CLINC150, or .gz")
    parser.add_argument("--seeds", type=int, default=3, help="so many choices of examples")
    parser.add_argument("--examples", type=int, nargs="+", default=[EXAMPLES, 2 * EXAMPLES])
    options = parser.parse_args()
    times = speed()
    figures: dict[str, JsonValue] = {"Time of a match": times}
    if options.path:
        found = quality(read(options.path), options.seeds, options.examples)
        figures[f"CLINC150 validation, mean over {options.seeds} choices of examples"] = found
    show(figures, tables(figures), as_json=options.json)
    return int(not quick_enough(times))


if __name__ == "__main__":
    sys.exit(main())
