"""Which tool is named like what the task asks for, or like what an error says."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import log, sqrt

from tmws_mcp.learning.case import SILENT, Case, Forecast
from tmws_mcp.learning.experts import ngram
from tmws_mcp.learning.view import View
from tmws_mcp.learning.words import stems

Named = tuple[dict[str, list[str]], dict[str, float], dict[str, float]]
"""Word -> tools with it; word -> how rare it is among them; tool -> length of its name."""


def foresee(view: View, case: Case) -> Forecast:
    """Expect the tools whose names share words with the task or the newest message."""
    likeness = _likeness(_index(view, case), (*case.words, *case.turn_words))
    total = sum(likeness.values())
    return Forecast({tool: value / total for tool, value in likeness.items()}) if total else SILENT


def judge(view: View, case: Case, tools: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
    """Judge the tools by the words that their names have in common with each text."""
    index = _index(view, case)
    wanted = frozenset(tools)
    error = case.steps[-1].error_template or "" if case.failed else ""
    named = {
        column: {tool: value for tool, value in _likeness(index, words).items() if tool in wanted}
        for column, words in (
            ("named_by_task", case.words),
            ("named_by_turn", case.turn_words),
            ("named_by_error", stems(error)),
        )
        if words
    }
    return named | {"named_by_task_unused": case.unused(named.get("named_by_task", {}))}


def _likeness(index: Named, words: Iterable[str]) -> dict[str, float]:
    named, rarity, lengths = index
    shared: dict[str, float] = {}
    for word in dict.fromkeys(words):
        for tool in named.get(word, ()):
            shared[tool] = shared.get(tool, 0.0) + rarity[word]
    return {tool: value / (lengths[tool] + 1) for tool, value in shared.items()}


def _index(view: View, case: Case) -> Named:
    """Return the index of the tools that can be called, else of those that were."""
    if case.available:
        return _named(case.available)
    return view.kept("names", lambda: _named(tuple(ngram.totals(view))))


@lru_cache(maxsize=8)
def _named(tools: tuple[str, ...]) -> Named:
    """Return the index of these tools; a session sends the same ones at each step."""
    named: dict[str, list[str]] = {}
    for tool in tools:
        for word in name_words(tool):
            named.setdefault(word, []).append(tool)
    rarity = {word: log(1 + len(tools) / (len(its) + 0.5)) for word, its in named.items()}
    lengths = {tool: sqrt(sum(rarity[word] ** 2 for word in name_words(tool))) for tool in tools}
    return named, rarity, lengths


@lru_cache(maxsize=4_096)
def name_words(tool: str) -> tuple[str, ...]:
    """Return the stems of a tool's name."""
    return tuple(stems(tool))
