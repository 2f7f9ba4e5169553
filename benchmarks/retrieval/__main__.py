"""How well does recall find the evidence in long conversations, beside what others do?

Reads the public file of LoCoMo (`locomo10.json`, gzipped or not), whose path is the argument. Each
system gives its turns in order, and all orders are judged alike. Tokens are characters / 4 of a
turn with its date and speaker, for every system.
"""

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import anyio
from pydantic import JsonValue

from benchmarks.report import Table, arguments, show
from benchmarks.retrieval.baselines import Search, full_text, fusion, grep
from benchmarks.retrieval.confidence import judged, reliability
from benchmarks.retrieval.conversations import CATEGORIES, Conversation, load
from benchmarks.retrieval.metrics import BUDGETS_TOKENS, Outcome, outcome, summary
from benchmarks.retrieval.ours import ALL, Ours, opened

OURS, LEXICAL = "tmws_mcp", "tmws_mcp without vectors"
BASELINES: Mapping[str, Callable[[Conversation], Search]] = {
    "BM25 on turns": full_text,
    "RRF of BM25 and vectors": fusion,
    "grep": grep,
}
Figures = dict[str, dict[str, float]]


def baseline(
    make: Callable[[Conversation], Search], conversations: Sequence[Conversation]
) -> list[Outcome]:
    """Return how a baseline does on all questions."""
    outcomes = []
    for conversation in conversations:
        search = make(conversation)
        for question in conversation.questions:
            began = time.perf_counter()
            ranked = search(question.text)
            ms = 1000 * (time.perf_counter() - began)
            outcomes.append(outcome(conversation, question, ranked, ms))
    return outcomes


async def ours(store: Ours, conversations: Sequence[Conversation]) -> list[Outcome]:
    """Return how we do on all questions."""
    return [
        outcome(conversation, question, *await store.search(conversation.id, question.text))
        for conversation in conversations
        for question in conversation.questions
    ]


async def left_out(store: Ours, conversations: Sequence[Conversation]) -> Figures:
    """Return how we do with all signals, and without each of them."""
    outcomes: dict[str, list[Outcome]] = {}
    for conversation in conversations:
        for question in conversation.questions:
            orders = await store.without_each(conversation.id, question.text)
            for name, turns in orders.items():
                row = name if name == ALL else f"without {name}"
                outcomes.setdefault(row, []).append(outcome(conversation, question, turns))
    rows = {name: summary(of) for name, of in outcomes.items()}
    for figures in rows.values():
        del figures["ms"]  # all rows together are one search
    return rows


async def budgets(store: Ours, conversations: Sequence[Conversation]) -> Figures:
    """Return which share of the evidence our replies of a given budget show, and their tokens."""
    figures: Figures = {}
    for budget in BUDGETS_TOKENS:
        shares, tokens = [], []
        for conversation in conversations:
            for question in conversation.questions:
                shown, used = await store.within(conversation.id, question.text, budget)
                shares.append(len(question.evidence & set(shown)) / len(question.evidence))
                tokens.append(used)
        figures[f"token_budget={budget}"] = {
            "evidence": statistics.fmean(shares),
            "tokens": statistics.fmean(tokens),
        }
    return figures


def by_category(outcomes: Sequence[Outcome]) -> Figures:
    """Return the figures for each kind of question."""
    kinds = {name: [one for one in outcomes if one.category == n] for n, name in CATEGORIES.items()}
    return {f"{name} ({len(of)})": summary(of) for name, of in kinds.items() if of}


async def measure(
    conversations: Sequence[Conversation], options: argparse.Namespace
) -> dict[str, Figures]:
    """Return all tables that were asked for."""
    questions = sum(len(one.questions) for one in conversations)
    main = f"{questions} questions about {len(conversations)} conversations"
    found: dict[str, Figures] = {main: {}}
    with tempfile.TemporaryDirectory() as home:
        for row, embedder in ((OURS, "static"), (LEXICAL, "none")):
            async with opened(Path(home) / embedder, embedder) as store:
                for conversation in conversations:
                    await store.fill(conversation)
                outcomes = await ours(store, conversations)
                found[main][row] = summary(outcomes)
                if row == OURS:
                    found["tmws_mcp, by kind of question"] = by_category(outcomes)
                    found |= await _more(store, conversations, options)
    for row, make in BASELINES.items():
        found[main][row] = summary(baseline(make, conversations))
    return found


async def _more(
    store: Ours, conversations: Sequence[Conversation], options: argparse.Namespace
) -> dict[str, Figures]:
    more: dict[str, Figures] = {}
    if options.leave_out:
        more["one signal left out, before any floor"] = await left_out(store, conversations)
    if options.budget:
        more["evidence in replies of a token budget"] = await budgets(store, conversations)
    if options.confidence:
        scores = await judged(store, conversations)
        more |= reliability(scores)
    return more


def table(title: str, figures: Figures) -> Table:
    """Return figures as people read them."""
    columns = list(next(iter(figures.values())))
    rows = [(name, *(_shown(key, row[key]) for key in columns)) for name, row in figures.items()]
    return Table(title, ("", *columns), rows)


def _shown(column: str, value: float) -> str:
    if not math.isfinite(value):
        return ">" if value > 0 else "-"
    if column == "ms":
        return f"{value:.1f}"
    return f"{value:.0f}" if value > 1 else f"{value:.3f}"


def chosen(conversations: Sequence[Conversation], which: str) -> Sequence[Conversation]:
    """Return the conversations from-to, counted from 1; all of them for nothing.

    >>> chosen("abcde", "2-3"), chosen("abcde", "5"), chosen("abcde", "")
    ('bc', 'e', 'abcde')
    """
    if not which:
        return conversations
    first, _, last = which.partition("-")
    return conversations[int(first) - 1 : int(last or first)]


def main() -> int:
    """Measure on stores of its own."""
    parser = arguments(__doc__ or "")
    parser.add_argument("path", type=Path, help="LoCoMo's JSON file, or the same gzipped")
    parser.add_argument("--conversations", default="", help="such as 1-5; all by default")
    parser.add_argument("--leave-out", action="store_true", help="a row without each signal")
    parser.add_argument("--budget", action="store_true", help="replies of 500 and 1,000 tokens")
    parser.add_argument("--confidence", action="store_true", help="what scores and floor are worth")
    options = parser.parse_args()
    conversations = chosen(load(options.path), options.conversations)
    found = anyio.run(measure, conversations, options)
    tables = [table(title, figures) for title, figures in found.items()]
    show(_plain(found), tables, as_json=options.json)
    return 0


def _plain(found: Mapping[str, Figures]) -> dict[str, JsonValue]:
    """Return figures as JSON has them, which knows no infinity."""
    return {
        title: {
            row: {key: value if math.isfinite(value) else None for key, value in of.items()}
            for row, of in figures.items()
        }
        for title, figures in found.items()
    }


if __name__ == "__main__":
    sys.exit(main())
