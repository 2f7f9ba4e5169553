"""The experts of the recommender: each says from one kind of evidence which tool comes next.

An expert is a function of the store and the case at hand; one that knows nothing is silent. Those
that count contexts tell which, so that the end of a session counts them. Leaving an expert out is
leaving it out of EXPERTS.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tmws_mcp.learning.case import Case, Forecast
from tmws_mcp.learning.experts import names, ngram, recovery, repeat, session, similar, task
from tmws_mcp.store.driver import Connection


@dataclass(frozen=True, slots=True)
class Expert:
    """One source of forecasts."""

    foresee: Callable[[Connection, Case], Forecast]
    weight: float
    """Its weight before any of its forecasts has been compared with what happened."""
    contexts: Callable[[Case], tuple[str, ...]] | None = None
    """The contexts of a case whose followers it counts, under its own name as their kind."""


EXPERTS: dict[str, Expert] = {
    "ngram": Expert(ngram.foresee, weight=0.3, contexts=ngram.contexts),
    "similar": Expert(similar.foresee, weight=0.25),
    "task": Expert(task.foresee, weight=0.1),
    "session": Expert(session.foresee, weight=0.15),
    "repeat": Expert(repeat.foresee, weight=0.1),
    "recovery": Expert(recovery.foresee, weight=0.2),
    "names": Expert(names.foresee, weight=0.1),
}
