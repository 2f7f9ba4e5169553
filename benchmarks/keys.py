"""Is a literal key always found: a ticket, a path, an error code, a hash, a version, a symbol?

Notes are generated, each about one key of its own among thousands that look like it: paths with the
same file names, symbols made of the same words, tickets that differ in a digit. Each is asked for
by its key alone and by a sentence that has the key in it. Beside it stands plain FTS5, whose
tokenizer takes keys apart.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import anyio
from pydantic import JsonValue

from benchmarks.bm25 import PlainIndex
from benchmarks.corpus import PARTS, PEOPLE, REASONS, THINGS
from benchmarks.memory import fill
from benchmarks.report import Table, arguments, show
from tmws_mcp import Settings, open_engine
from tmws_mcp.engine.engine import Engine

NOTES = 10_000
ASKED = 1_500
LIMIT = 5
HIT_MIN = 1.0
SEED = 7

VERBS = ("load", "parse", "retry", "flush", "merge", "fetch", "close", "check", "build", "drop")
SENTENCES = (
    "what do we know about {key}?",
    "who looked into {key} and what came out of it",
    "why was {key} changed after the outage",
    "is there a note on {key} for the {part}?",
    "the {part} shows {key} again, what was the fix of the {thing}",
)
NOTES_SAY = (
    "{who} found that {key} comes from the {thing} of the {part} {why}.",
    "{key}: the {thing} of the {part} was changed {why}.",
    "Since {key} the {part} has a new {thing}, says {who}.",
    "The {thing} in the {part} is what {key} is about; {who} looks after it {why}.",
)

Recall = Callable[[str], object]


@dataclass(frozen=True)
class Note:
    """A note, its key and what kind of key it is."""

    kind: str
    key: str
    text: str


def tickets(choose: random.Random) -> list[str]:
    """Return tickets: TKT-00123, OPS-4711."""
    numbers = choose.sample(range(1, 100_000), 1_500)
    return [f"{choose.choice(('TKT', 'OPS', 'WEB'))}-{number:05}" for number in numbers]


def paths(choose: random.Random) -> list[str]:
    """Return paths, many with the same file name, some with a line."""
    folders = product(("src", "lib", "tests", "/etc"), PARTS, VERBS, ("queue.py", "state.rs"))
    every = [f"{top}/{part}/{verb}_{name}" for top, part, verb, name in folders]
    lines = ("", "", f":{choose.randrange(1, 900)}")
    return [path + choose.choice(lines) for path in choose.sample(every, len(every))]


def error_codes(choose: random.Random) -> list[str]:
    """Return codes of compilers, databases and systems."""
    makers = ("E{:04}", "ORA-{:05}", "0x8007{:04X}", "ERR_{:04}", "SQLSTATE{:05}")
    numbers = choose.sample(range(1, 9_999), 1_500)
    return [choose.choice(makers).format(number) for number in numbers]


def hashes(choose: random.Random) -> list[str]:
    """Return commits, short and whole; each has a letter and a digit, as nearly all have."""
    return [f"a{choose.getrandbits(bits):0{bits // 4}x}7" for bits in (32, 48, 152) * 500]


def versions(choose: random.Random) -> list[str]:
    """Return versions that differ in one place."""
    every = [f"v{a}.{b}.{c}" for a, b, c in product(range(1, 10), range(14), range(12))]
    return choose.sample(every, len(every))


def camel_case(choose: random.Random) -> list[str]:
    """Return names such as parseBillingRetryLimit."""
    return symbols(choose, lambda words: words[0] + "".join(map(str.capitalize, words[1:])))


def snake_case(choose: random.Random) -> list[str]:
    """Return names such as parse_billing_retry_limit."""
    return symbols(choose, "_".join)


def symbols(choose: random.Random, spelled: Callable[[list[str]], str]) -> list[str]:
    """Return names made of the same few words."""
    names = [
        f"{verb} {part} {thing}".split() for verb, part, thing in product(VERBS, PARTS, THINGS)
    ]
    return [spelled(words) for words in choose.sample(names, 1_500)]


KINDS: Mapping[str, Callable[[random.Random], list[str]]] = {
    "ticket": tickets,
    "path": paths,
    "error code": error_codes,
    "hash": hashes,
    "version": versions,
    "camelCase": camel_case,
    "snake_case": snake_case,
}


def notes(count: int) -> list[Note]:
    """Return notes of all kinds in turn, mixed."""
    choose = random.Random(SEED)
    keys = [(kind, key) for kind, make in KINDS.items() for key in dict.fromkeys(make(choose))]
    assert count <= len(keys)
    choose.shuffle(keys)
    return [Note(kind, key, said(choose, key)) for kind, key in keys[:count]]


def said(choose: random.Random, key: str) -> str:
    """Return what a note says about a key."""
    return filled(choose, choose.choice(NOTES_SAY), key)


def filled(choose: random.Random, template: str, key: str) -> str:
    """Return a sentence about a key."""
    who, part, thing = choose.choice(PEOPLE), choose.choice(PARTS), choose.choice(THINGS)
    return template.format(key=key, who=who, part=part, thing=thing, why=choose.choice(REASONS))


def questions(asked: Sequence[tuple[int, Note]]) -> dict[str, list[str]]:
    """Return the queries in both ways, in the order of the notes."""
    choose = random.Random(SEED + 1)
    return {
        "bare": [note.key for _, note in asked],
        "in a sentence": [filled(choose, choose.choice(SENTENCES), note.key) for _, note in asked],
    }


async def measure(home: str, *, count: int, asked_for: int) -> dict[str, JsonValue]:
    """Store the notes, ask for some of each kind, and return the share found of each."""
    every = notes(count)
    asked = random.Random(SEED + 2).sample(list(enumerate(every)), min(asked_for, count))
    plain = PlainIndex(note.text for note in every)
    settings = Settings.load({"TMWS_HOME": home, "TMWS_NAMESPACE": "benchmark"})
    figures: dict[str, JsonValue] = {"notes": count, "asked": len(asked)}
    async with open_engine(settings) as engine:
        await fill(engine, [note.text for note in every])
        for way, queries in questions(asked).items():
            began = time.perf_counter()
            found = [await ours(engine, query) for query in queries]
            figures[f"{way}: ms"] = round(1000 * (time.perf_counter() - began) / len(asked), 1)
            figures[way] = shares(
                asked, [every[i].text in texts for (i, _), texts in zip(asked, found, strict=True)]
            )
            beside = [
                i in plain.search(query, LIMIT)
                for (i, _), query in zip(asked, queries, strict=True)
            ]
            figures[f"{way}, BM25"] = shares(asked, beside)
    plain.close()
    return figures


async def ours(engine: Engine, query: str) -> set[str]:
    """Return the texts that recall_memory answers with."""
    reply = await engine.recall_memory({"query": query, "limit": LIMIT, "token_budget": 2_000})
    return {memory.content for memory in reply.memories}


def shares(asked: Sequence[tuple[int, Note]], hits: Sequence[bool]) -> dict[str, JsonValue]:
    """Return the share of hits for each kind of key, and for all."""
    by_kind: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    for (_, note), hit in zip(asked, hits, strict=True):
        by_kind[note.kind].append(hit)
    by_kind["all"] = list(hits)
    return {kind: round(sum(some) / len(some), 4) for kind, some in by_kind.items() if some}


def table(figures: Mapping[str, JsonValue]) -> Table:
    """Return the figures as people read them."""
    ways = ("bare", "bare, BM25", "in a sentence", "in a sentence, BM25")
    parts = [part for way in ways if isinstance(part := figures[way], dict)]
    rows = [(kind, *(f"{part[kind]:.3f}" for part in parts)) for kind in parts[0]]
    title = f"hit@{LIMIT} of {figures['asked']} keys, in {figures['notes']} notes"
    return Table(title, ("", *ways), rows)


def all_found(figures: Mapping[str, JsonValue]) -> bool:
    """Say whether every key was found in both ways."""
    parts = [part for way in ("bare", "in a sentence") if isinstance(part := figures[way], dict)]
    return all(float(str(part["all"])) >= HIT_MIN for part in parts)


def main() -> int:
    """Measure on a store of its own; 1 if a key was not found."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--notes", type=int, default=NOTES)
    parser.add_argument("--asked", type=int, default=ASKED, help="keys asked for, in each way")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        figures = anyio.run(partial(measure, home, count=options.notes, asked_for=options.asked))
    show(figures, [table(figures)], as_json=options.json)
    return int(not all_found(figures))


if __name__ == "__main__":
    sys.exit(main())
