"""How much of the evidence stands in a reply of recall_memory, for so many tokens?

Every turn of the LoCoMo dialogues becomes a memory, every question a recall at each budget. What
counts is the text part of the reply, since it may be all that a model sees: the share of the turns
that answer the question whose whole text is in it, or of which at least the id and a part are.
"""

import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import anyio
from pydantic import JsonValue

from benchmarks.report import Table, arguments, show
from benchmarks.retrieval.conversations import Conversation, Question, Turn, load
from tmws_mcp import Settings, open_engine
from tmws_mcp.engine.engine import Engine
from tmws_mcp.memory.reply.text import recall_text

BUDGETS = (250, 500, 1_000, 2_000)
LIMIT = 200
OVER_MAX = 0
"""Replies whose own count of tokens is over the budget."""


@dataclass(frozen=True)
class Shown:
    """What a reply shows of a question's evidence."""

    whole: float
    """Share of the turns whose whole text is in it."""
    named: float
    """Share of the turns that are in it, whole or in part."""
    memories: int
    tokens: int


async def remember(engine: Engine, dialogue: Conversation, turns: int) -> dict[str, str]:
    """Store so many turns in each memory; return the id of the memory of each turn."""
    ids: dict[str, str] = {}
    for _, session in groupby(dialogue.turns, key=lambda turn: turn.session):
        for said in batched(list(session), turns):
            stored = await engine.store_memory(memory_of(dialogue, said))
            ids |= {turn.id: stored.id for turn in said}
    return ids


def batched(turns: Sequence[Turn], count: int) -> list[Sequence[Turn]]:
    """Return turns in groups of so many."""
    return [turns[first : first + count] for first in range(0, len(turns), count)]


def memory_of(dialogue: Conversation, said: Sequence[Turn]) -> dict[str, object]:
    """Return what is stored: a turn with its speaker, or several turns as a long text."""
    first = said[0]
    alone = {"content": first.text, "speaker": first.speaker}
    lines = {"content": "\n".join(f"{turn.speaker}: {turn.text}" for turn in said)}
    return {
        "kind": "episodic",
        "namespace": dialogue.id,
        "thread": f"session {first.session}",
        "occurred_at": first.said_at,
        **(alone if len(said) == 1 else lines),
    }


async def ask(
    engine: Engine, dialogue: Conversation, question: Question, ids: Mapping[str, str], budget: int
) -> Shown:
    """Recall within a budget, and look for the evidence in the text."""
    reply = await engine.recall_memory(
        {
            "query": question.text,
            "namespace": dialogue.id,
            "limit": LIMIT,
            "token_budget": budget,
        }
    )
    written = recall_text(reply)
    text = plain(written)
    said = {turn.id: plain(turn.text) for turn in dialogue.turns if turn.id in question.evidence}
    count = len(question.evidence)
    return Shown(
        whole=sum(said[turn] in text for turn in question.evidence) / count,
        named=sum(ids[turn] in text for turn in question.evidence) / count,
        memories=len(reply.memories),
        tokens=reply.tokens,
    )


def plain(text: str) -> str:
    """Return a text on one line: replies indent the lines of a memory."""
    return " ".join(text.split())


async def measure(
    home: str, dialogues: Sequence[Conversation], *, turns: int = 1, questions: int | None = None
) -> dict[str, JsonValue]:
    """Store the dialogues, ask their questions at each budget, and return the means."""
    shown: dict[int, list[Shown]] = {budget: [] for budget in BUDGETS}
    settings = Settings.load({"TMWS_HOME": home, "TMWS_NAMESPACE": "benchmark"})
    async with open_engine(settings) as engine:
        for dialogue in dialogues:
            ids = await remember(engine, dialogue, turns)
            for question in dialogue.questions[:questions]:
                for budget, found in shown.items():
                    found.append(await ask(engine, dialogue, question, ids, budget))
    return {
        "dialogues": len(dialogues),
        "turns_in_each": turns,
        "questions": len(shown[BUDGETS[0]]),
        "budgets": {str(budget): means(found, budget) for budget, found in shown.items()},
    }


def means(shown: Sequence[Shown], budget: int) -> dict[str, JsonValue]:
    """Return what the replies of one budget show on average."""
    memories = sum(one.memories for one in shown)
    return {
        "whole": round(statistics.fmean(one.whole for one in shown), 3),
        "named": round(statistics.fmean(one.named for one in shown), 3),
        "memories": round(memories / len(shown), 1),
        "tokens": round(statistics.fmean(one.tokens for one in shown)),
        "tokens_per_memory": round(sum(one.tokens for one in shown) / max(memories, 1), 1),
        "over": sum(one.tokens > budget for one in shown),
    }


def table(figures: Mapping[str, JsonValue]) -> Table:
    """Return the figures as people read them."""
    budgets = figures["budgets"]
    assert isinstance(budgets, dict)
    rows = []
    for budget, row in budgets.items():
        assert isinstance(row, dict)
        rows.append((f"{budget} tokens", *map(str, row.values())))
    title = (
        f"Evidence in the text of a reply, {figures['questions']} questions, "
        f"{figures['turns_in_each']} turns in each memory"
    )
    columns = ("", "whole", "id and a part", "memories", "tokens", "tokens each", "over budget")
    return Table(title, columns, rows)


def kept(figures: Mapping[str, JsonValue]) -> bool:
    """Say whether all replies kept to their budgets."""
    budgets = figures["budgets"]
    assert isinstance(budgets, dict)
    return all(isinstance(row, dict) and row["over"] == OVER_MAX for row in budgets.values())


def main() -> int:
    """Measure on a store of its own; 1 if a reply was over its budget."""
    parser = arguments(__doc__ or "")
    parser.add_argument("path", type=Path, help="the LoCoMo file, as JSON, plain or .gz")
    parser.add_argument("--turns", type=int, default=1, help="so many turns in each memory")
    parser.add_argument("--dialogues", type=int, help="only the first ones")
    parser.add_argument("--questions", type=int, help="only so many of each dialogue")
    options = parser.parse_args()
    dialogues = load(options.path)[: options.dialogues]
    with tempfile.TemporaryDirectory() as home:
        run = partial(measure, home, dialogues, turns=options.turns, questions=options.questions)
        figures = anyio.run(run)
    show(figures, [table(figures)], as_json=options.json)
    return int(not kept(figures))


if __name__ == "__main__":
    sys.exit(main())
