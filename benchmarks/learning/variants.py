"""Which of several variants to take for a task: how much of what can be won is won.

The file holds runs as gzipped JSON lines: {"task_id", "service", "task", "variant", "success",
"sec", "tokens"}. Each task comes eight times, in a seeded order. The recommender names one of the
variants that were run for the task, and is told of one run of this one: of no other, as in life.
Its pick is worth what the variant reaches over all its runs of the task. Where nothing is
recommended, the pick is drawn.
"""

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from benchmarks.learning.choosers import Chooser, Run, makers
from benchmarks.learning.pool import Pool
from benchmarks.learning.rows import Options
from benchmarks.learning.table import Figures, lines

ROUNDS_EACH = 8
COLUMNS = ("gap", "success", "sec", "all gap", "all succ", "all sec")


class Worth(NamedTuple):
    """What a variant reaches for a task."""

    success: float
    seconds: float


class Matrix:
    """The runs of each task by variant."""

    def __init__(self, path: Path) -> None:
        self.runs: dict[str, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
        with gzip.open(path, "rt", encoding="utf-8") as runs:
            for run in map(json.loads, runs):
                self.runs[run["task_id"]][run["variant"]].append(run)
        self.worth = {
            task: {name: _worth(runs) for name, runs in variants.items()}
            for task, variants in self.runs.items()
        }

    def plan(self, draw: random.Random) -> list[str]:
        """Return the task of each round."""
        rounds = [task for task in self.runs for _ in range(ROUNDS_EACH)]
        draw.shuffle(rounds)
        return rounds

    def drawn(self, task: str) -> Worth:
        """Return what a random pick reaches."""
        every = self.worth[task].values()
        return Worth(fmean(one.success for one in every), fmean(one.seconds for one in every))

    def best(self, task: str) -> Worth:
        """Return what the quickest of the most successful variants reaches."""
        return max(self.worth[task].values(), key=lambda one: (one.success, -one.seconds))

    def best_for_all(self) -> str:
        """Return the variant that succeeds most often if it is taken for every task."""
        names = sorted({name for variants in self.worth.values() for name in variants})
        return max(names, key=lambda name: sum(self.of(task, name).success for task in self.worth))

    def of(self, task: str, name: str) -> Worth:
        """Return what a variant reaches for a task; one that was not run for it reaches nothing."""
        return self.worth[task].get(name, Worth(0.0, 0.0))


def _worth(runs: Sequence[Run]) -> Worth:
    return Worth(fmean(run["success"] for run in runs), fmean(run["sec"] for run in runs))


def reached(make: Callable[[], Chooser], path: Path, seed: int = 0) -> list[Worth]:
    """Return what the picks of each round are worth."""
    matrix, draw, chooser = Matrix(path), random.Random(seed), make()
    found = []
    try:
        for task in matrix.plan(draw):
            runs = matrix.runs[task]
            names = sorted(runs)
            pick = chooser.choose(runs[names[0]][0], names) or draw.choice(names)
            chooser.learn(draw.choice(runs[pick]))
            found.append(matrix.worth[task][pick])
    finally:
        chooser.close()
    return found


def references(path: Path, seed: int = 0) -> dict[str, list[Worth]]:
    """Return what is reached in the same rounds by who knows nothing, and by who knows all."""
    matrix = Matrix(path)
    plan, one = matrix.plan(random.Random(seed)), matrix.best_for_all()
    return {
        "drawn": [matrix.drawn(task) for task in plan],
        "best single variant": [matrix.of(task, one) for task in plan],
        "best for each task": [matrix.best(task) for task in plan],
    }


def table(path: Path, options: Options, pool: Pool) -> str:
    """Return a row for each who chooses, beside the references."""
    asked = {name: pool.begin(reached, make, path) for name, make in makers(options).items()}
    known = references(path)
    rows = known | {name: picks.result() for name, picks in asked.items()}
    drawn, best = known["drawn"], known["best for each task"]
    return lines(COLUMNS, {name: figures(row, drawn, best) for name, row in rows.items()})


def figures(row: Sequence[Worth], drawn: Sequence[Worth], best: Sequence[Worth]) -> Figures:
    """Return the figures of the late half of the rounds, and of all."""
    late = slice(len(row) // 2, None)
    found = _figures(row[late], drawn[late], best[late])
    every = _figures(row, drawn, best)
    pairs = zip(COLUMNS[:3], COLUMNS[3:], strict=True)
    return found | {whole: every[half] for half, whole in pairs if half in every}


def _figures(
    row: Sequence[Worth], drawn: Sequence[Worth], best: Sequence[Worth]
) -> dict[str, float]:
    mine, low, high = (fmean(worth.success for worth in worths) for worths in (row, drawn, best))
    found: Mapping[str, float] = {"success": mine, "sec": fmean(worth.seconds for worth in row)}
    return {**found, "gap": (mine - low) / (high - low)} if high > low else dict(found)
