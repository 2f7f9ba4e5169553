"""Who names a variant for a task: the product by its two tools, and other recommenders."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from benchmarks.learning.beside import Beside
from benchmarks.learning.calls import ANSWERS
from benchmarks.learning.product import Product
from benchmarks.learning.recommenders import Tools
from benchmarks.learning.rows import OVER_MCP, PRODUCT, Options
from benchmarks.learning.server import Server

Run = Mapping[str, Any]
"""One run of a variant: task, task_id, service, variant, success, sec, tokens."""


class Chooser(Protocol):
    """Names a variant for a task, and is told of a run."""

    def choose(self, about: Run, candidates: Sequence[str]) -> str | None:
        """Return one of the candidates for the task of this run, None without an opinion."""

    def learn(self, run: Run) -> None:
        """Learn how a run of its pick went."""

    def close(self) -> None:
        """Give back what is held."""


class ProductChooser:
    """The product, asked as an agent asks it."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def choose(self, about: Run, candidates: Sequence[str]) -> str | None:
        """Return what is recommended first."""
        answers = self._tools.recommend(
            {
                "task": about["task"],
                "want": "variant",
                "candidates": candidates,
                "metadata": {"service": about["service"]},
                "limit": ANSWERS,
            }
        )
        return str(answers[0][0]) if answers else None

    def learn(self, run: Run) -> None:
        """Observe a run."""
        self._tools.observe(
            {
                "task": run["task"],
                "method": run["variant"],
                "success": bool(run["success"]),
                "execution_time": run["sec"],
                "tokens": run["tokens"],
                "metadata": {"service": run["service"]},
            }
        )

    def close(self) -> None:
        """Remove the store."""
        self._tools.close()


class BesideChooser:
    """Another recommender, asked in its own protocol."""

    def __init__(self, name: str) -> None:
        self._beside = Beside(name)

    def choose(self, about: Run, candidates: Sequence[str]) -> str | None:
        """Return what it recommends first."""
        told = {key: about[key] for key in ("task", "task_id", "service")}
        asked = {**told, "kind": "variant", "candidates": list(candidates), "steps": [], "n": 0}
        answers = self._beside.recommend(asked)
        return str(answers[0]["action"]) if answers else None

    def learn(self, run: Run) -> None:
        """Tell it of a run."""
        keys = ("task", "task_id", "service", "variant", "success", "sec", "tokens")
        self._beside.observe({"kind": "variant", **{key: run[key] for key in keys}})

    def close(self) -> None:
        """End its event loop."""
        self._beside.close()


def in_process() -> Chooser:
    """Return the product in this process."""
    return ProductChooser(Product())


def over_mcp() -> Chooser:
    """Return the product through a server of its own."""
    return ProductChooser(Server())


def makers(options: Options) -> dict[str, Callable[[], Chooser]]:
    """Return who chooses, by name."""
    found: dict[str, Callable[[], Chooser]] = {
        name: partial(BesideChooser, name) for name in options.beside
    }
    found[PRODUCT] = in_process
    return found | ({OVER_MCP: over_mcp} if options.mcp else {})
