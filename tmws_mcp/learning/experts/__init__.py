"""The experts of the recommender: each says from one kind of evidence which tool comes next.

An expert either forecasts, which gives shares of tools and proposes the likeliest, or judges the
tools that are proposed; each of its columns is a number for each tool, which the blend weighs.
What it counts when a run ends it tells itself. Leaving an expert out is leaving it out of EXPERTS,
or of the mapping that is passed in its place.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tmws_mcp.learning.case import Case, Forecast
from tmws_mcp.learning.experts import (
    after_error,
    agenda,
    common,
    names,
    ngram,
    place,
    recovery,
    repeat,
    session,
    similar,
    skip,
    task,
    usage,
    vocabulary,
)
from tmws_mcp.learning.view import View

Columns = Mapping[str, Mapping[str, float]]
"""Column -> tool -> value; a tool that is not in it has 0."""
Counted = Iterable[tuple[str, str, str]]
"""(kind, key, action) of what happened, each to be counted once."""


@dataclass(frozen=True, slots=True)
class Expert:
    """One source of evidence."""

    columns: tuple[str, ...]
    """What it says; a forecaster's only column, if any, is the strength of its shares."""
    foresee: Callable[[View, Case], Forecast] | None = None
    judge: Callable[[View, Case, Sequence[str]], Columns] | None = None
    proposes: int = 0
    """How many of its likeliest tools are looked at."""
    counted: Callable[[Case, str], Counted] | None = None
    """What to count where this tool followed this case."""


EXPERTS: dict[str, Expert] = {
    "ngram": Expert(("ngram",), ngram.foresee, proposes=25, counted=ngram.counted),
    "skip": Expert(("skip",), skip.foresee, proposes=8, counted=skip.counted),
    "similar": Expert(("similar",), similar.foresee, proposes=20),
    "agenda": Expert(("agenda",), agenda.foresee, proposes=8),
    "company": Expert(("company", "company_unused"), judge=similar.judge),
    # It only proposes: counted at each step, it would teach the blend the running session.
    "task": Expert((), task.foresee, proposes=8),
    "session": Expert(("session",), session.foresee, proposes=24),
    "recovery": Expert(("recovery",), recovery.foresee, proposes=8),
    "after_error": Expert(
        ("after_error",), after_error.foresee, proposes=8, counted=after_error.counted
    ),
    "vocabulary": Expert(
        ("task_words", "task_words_unused", "turn_words"), vocabulary.foresee, vocabulary.judge,
        proposes=12, counted=vocabulary.counted,
    ),
    "names": Expert(
        ("named_by_task", "named_by_task_unused", "named_by_turn", "named_by_error"),
        names.foresee, names.judge, proposes=12,
    ),
    "repeat": Expert(
        ("again", "again_after_success", "again_as_usual"), judge=repeat.judge,
        counted=repeat.counted,
    ),
    "usage": Expert(("used", "recent", "followed", "unused", "failing"), judge=usage.judge),
    "place": Expert(("listed_first", "listed_early", "listed_next"), judge=place.judge),
    "common": Expert(("common", "new"), judge=common.judge),
}  # fmt: skip
