"""Any other recommender, scored in the same table: a class that is named as MODULE:CLASS.

It is made without arguments, or with those of MODULE:CLASS(name=value), and has two coroutines:

    async def observe(self, event: dict) -> None
    async def recommend(self, context: dict) -> list[dict]    # {"action", "confidence"}, best first

docs/benchmarks.md says what stands in an event and in a context.
"""

import ast
import asyncio
import importlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from benchmarks.learning.baselines import Ranked
from benchmarks.learning.calls import ANSWERS, HISTORY
from benchmarks.learning.traces import Session, Step

T = TypeVar("T")
Dict = dict[str, Any]


class Outsider(Protocol):
    """What the class must offer."""

    async def observe(self, event: Dict) -> None:
        """Learn of a step, of a session's end, or of a variant's run."""

    async def recommend(self, context: Dict) -> Sequence[Mapping[str, Any]]:
        """Return answers with their confidence, the best first."""


def found(name: str) -> Callable[[], Outsider]:
    """Return what makes the class that is named as MODULE:CLASS, or MODULE:CLASS(name=value).

    Raises:
        ValueError: There is none, or a value is no literal.
    """
    module, _, call = name.partition(":")
    kind, bracket, arguments = call.partition("(")
    try:
        outsider: type[Outsider] = getattr(importlib.import_module(module), kind)
        return partial(outsider, **_literals(bracket + arguments or "()"))
    except (ImportError, AttributeError, ValueError, SyntaxError) as error:
        raise ValueError(f"{name!r} is no MODULE:CLASS on PYTHONPATH: {error}") from error


def _literals(brackets: str) -> Dict:
    """Return the named arguments that stand in the brackets of a call."""
    call = ast.parse(f"call{brackets}", mode="eval").body
    if not isinstance(call, ast.Call) or call.args or not all(one.arg for one in call.keywords):
        raise ValueError("arguments are given as name=value")
    return {str(one.arg): ast.literal_eval(one.value) for one in call.keywords}


class Beside:
    """One of them, with an event loop that lives as long as it does."""

    def __init__(self, name: str) -> None:
        self._outsider = found(name)()
        self._runner = asyncio.Runner()

    def observe(self, event: Dict) -> None:
        """Tell it of an event."""
        self._run(self._outsider.observe(event))

    def recommend(self, context: Dict) -> Sequence[Mapping[str, Any]]:
        """Ask it."""
        return self._run(self._outsider.recommend(context)) or ()

    def close(self) -> None:
        """End its event loop."""
        self._runner.close()

    def _run(self, call: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(call)


class BesideRecommender:
    """Tells it of the steps of sessions, and asks it about them."""

    def __init__(self, name: str) -> None:
        self._beside = Beside(name)

    def ask(self, session: Session, before: list[Step], turn: str, want: str) -> Ranked:
        """Return the ranked tools."""
        answers = self._beside.recommend(_context(session, before, turn, want))
        return [(str(one["action"]), float(one["confidence"])) for one in answers[:ANSWERS]]

    def plan(self, session: Session, turn: str) -> Sequence[str]:
        """Return the first workflow."""
        answers = self._beside.recommend(_context(session, [], turn, "workflow"))
        return list(answers[0]["action"]) if answers else ()

    def observe(self, session: Session, before: list[Step], step: Step, turn: str) -> None:
        """Tell it of a step."""
        about = {**_about(session), "turn": turn or None}
        self._beside.observe({**step, **about, "i": len(before)})

    def end(self, session: Session) -> None:
        """Tell it how the session ended."""
        ended = {"s": session.name, "ds": session.dataset, "end": 1, "success": session.success}
        self._beside.observe(ended)

    def close(self) -> None:
        """End its event loop."""
        self._beside.close()


def _about(session: Session) -> Dict:
    return {
        "s": session.name,
        "ds": session.dataset,
        "task": session.task,
        "tools": list(session.tools) or None,
        "agent": session.agent,
    }


def _context(session: Session, before: list[Step], turn: str, want: str) -> Dict:
    told = [{key: step.get(key) for key in ("tool", "ok", "err", "args")} for step in before]
    about = {**_about(session), "kind": want, "turn": turn or None}
    return {**about, "steps": told[-HISTORY:], "n": len(before)}
