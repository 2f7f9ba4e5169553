"""What can be scored: the product by its two tools, and simple rules."""

from collections.abc import Sequence
from typing import Protocol

from benchmarks.learning import calls
from benchmarks.learning.baselines import BASELINES, Ranked
from benchmarks.learning.calls import Arguments
from benchmarks.learning.traces import Session, Step

Answers = Sequence[tuple[str | Sequence[str], float]]
"""Tools, workflows or variants with their confidence, the best first."""


class Tools(Protocol):
    """The product's two tools, in this process or in another one."""

    def observe(self, arguments: Arguments) -> None:
        """Call observe_interaction."""

    def recommend(self, arguments: Arguments) -> Answers:
        """Call get_recommendations."""

    def close(self) -> None:
        """Remove the store."""


class Recommender(Protocol):
    """Is asked before each step of a session, and told of it afterwards."""

    def ask(self, session: Session, before: list[Step], turn: str, want: str) -> Ranked:
        """Return the ranked tools for the next step, or to recover from the last one."""

    def plan(self, session: Session, turn: str) -> Sequence[str]:
        """Return the tools of the best workflow for the session's task, none if none is known."""

    def observe(self, session: Session, before: list[Step], step: Step, turn: str) -> None:
        """Learn of a step."""

    def end(self, session: Session) -> None:
        """Learn how the session ended."""

    def close(self) -> None:
        """Give back what is held."""


class ProductRecommender:
    """The product, asked as an agent asks it."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def ask(self, session: Session, before: list[Step], turn: str, want: str) -> Ranked:
        """Return the ranked tools."""
        answers = self.tools.recommend(calls.question(session, before, turn, want))
        return [(str(action), confidence) for action, confidence in answers]

    def plan(self, session: Session, turn: str) -> Sequence[str]:
        """Return the first workflow."""
        answers = self.tools.recommend(calls.question(session, [], turn, "workflow"))
        return answers[0][0] if answers else ()

    def observe(self, session: Session, before: list[Step], step: Step, turn: str) -> None:
        """Observe a step."""
        assert before is not None
        self.tools.observe(calls.observation(session, step, turn))

    def end(self, session: Session) -> None:
        """End the session."""
        self.tools.observe(calls.ending(session))

    def close(self) -> None:
        """Remove the store."""
        self.tools.close()


class BaselineRecommender:
    """A simple rule; it knows no task, and so no workflow."""

    def __init__(self, name: str) -> None:
        self.rule = BASELINES[name]()

    def ask(self, session: Session, before: list[Step], turn: str, want: str) -> Ranked:
        """Return the ranked tools."""
        assert turn is not None
        assert want
        ranked: Ranked = self.rule.rank(session, before)
        return ranked

    def plan(self, _session: Session, turn: str) -> Sequence[str]:
        """Return nothing."""
        assert turn is not None
        return ()

    def observe(self, session: Session, before: list[Step], step: Step, turn: str) -> None:
        """Observe a step."""
        assert turn is not None
        self.rule.observe(session, before, step)

    def end(self, session: Session) -> None:
        """Learn nothing of the end."""

    def close(self) -> None:
        """Hold nothing."""
