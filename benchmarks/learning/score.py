"""Score the recommendations: `python -m benchmarks.learning [OPTIONS] TRACES...`.

Two modes. Online: every step is asked about before it is observed. Unseen: the sessions of half of
the tasks are observed, then those of the other half are asked about and never observed. Each file
has a store of its own. The figures of several files are means over the files.

--limit N       the first N sessions of each file
--without-each  a row for each expert left out
--held-out      score each file with weights fitted to the other files alone
--plot PNG      draw confidence against hits, online
"""

import argparse
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import fmean

from benchmarks.learning import fit
from benchmarks.learning.baselines import BASELINES, Ranked
from benchmarks.learning.measures import Ranking, likeness
from benchmarks.learning.plot import reliability_png
from benchmarks.learning.product import Product
from benchmarks.learning.traces import Session, Step, read
from tmws_mcp.learning.experts import EXPERTS, Expert
from tmws_mcp.learning.weights import Row

COLUMNS = (
    "acc@1", "acc@3", "success", "ECE", "chance", "at .9",
    "rec@1", "rec@3", "rec ECE", "chance'", "rep .7", "workflow",
)  # fmt: skip
MODES = ("online", "unseen")
PLAN_STEPS_MIN = 2


@dataclass(slots=True)
class Scores:
    """What one recommender reached on one file."""

    next: Ranking = field(default_factory=Ranking)
    recover: Ranking = field(default_factory=Ranking)
    workflow: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """Return the figures by column; those without a case are left out."""
        told, mended = self.next, self.recover
        found = {
            "acc@1": told.first / max(told.n, 1),
            "acc@3": told.among_first / max(told.n, 1),
            "ECE": told.calibration_error,
            "chance": told.calibration_chance,
            "at .9": told.answered_at(0.9),
        }
        if told.succeeded:
            found["success"] = told.first_of_succeeded / told.succeeded
        if mended.n:
            found |= {
                "rec@1": mended.first / mended.n,
                "rec@3": mended.among_first / mended.n,
                "rec ECE": mended.calibration_error,
                "chance'": mended.calibration_chance,
                "rep .7": mended.answered_at(0.7),
            }
        if self.workflow:
            found["workflow"] = fmean(self.workflow)
        return found


class ProductRecommender:
    """The product, asked as an agent asks it."""

    def __init__(self, product: Product) -> None:
        self.product = product

    def ask(self, session: Session, before: list[Step], turn: str, want: str) -> Ranked:
        """Return the ranked tools."""
        reply = self.product.recommend(session, before, turn, want)
        return [(str(one.action), one.confidence) for one in reply.recommendations]

    def plan(self, session: Session, turn: str) -> Sequence[str]:
        """Return the first workflow."""
        reply = self.product.recommend(session, [], turn, "workflow")
        return reply.recommendations[0].action if reply.recommendations else ()

    def observe(self, session: Session, before: list[Step], step: Step, turn: str) -> None:
        """Observe a step."""
        assert before is not None
        self.product.observe(session, step, turn)

    def end(self, session: Session) -> None:
        """End the session."""
        self.product.end(session)

    def close(self) -> None:
        """Remove the store."""
        self.product.close()


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


Recommender = ProductRecommender | BaselineRecommender


def scored(make: Callable[[], Recommender], sessions: Sequence[Session], mode: str) -> Scores:
    """Return what a recommender reaches on the sessions."""
    recommender, scores = make(), Scores()
    try:
        if mode == "online":
            for session in sessions:
                _session(recommender, session, scores, learn=True)
        else:
            for session in sessions:
                if not session.is_held_out:
                    _session(recommender, session, None, learn=True)
            for session in sessions:
                if session.is_held_out:
                    _session(recommender, session, scores, learn=False)
    finally:
        recommender.close()
    return scores


def learn_session(recommender: Recommender, session: Session, scores: Scores) -> None:
    """Ask about every step of a session before it is observed."""
    _session(recommender, session, scores, learn=True)


def _session(
    recommender: Recommender, session: Session, scores: Scores | None, *, learn: bool
) -> None:
    turn = ""
    if scores and session.success and len(session.steps) >= PLAN_STEPS_MIN:
        _plan(recommender, session, scores)
    for number, step in enumerate(session.steps):
        turn = step.get("turn") or turn
        before = session.steps[:number]
        for want, right in fit.answers(session, number) if scores else ():
            assert scores is not None
            ranking = scores.next if want == "next" else scores.recover
            ranked = recommender.ask(session, before, turn, want)
            ranking.add(ranked, right, succeeded=bool(session.success))
        if learn:
            recommender.observe(session, before, step, turn)
    if learn:
        recommender.end(session)


def _plan(recommender: Recommender, session: Session, scores: Scores) -> None:
    done = [step["tool"] for step in session.steps if step["ok"]]
    if done:
        answer = recommender.plan(session, session.steps[0].get("turn") or "")
        scores.workflow.append(likeness(answer, done))


def table(rows: Mapping[str, Sequence[Scores]]) -> str:
    """Return the rows as a table, each figure the mean over those files that have it."""
    lines = [f"{'':24s}" + "".join(f"{column:>9s}" for column in COLUMNS)]
    for name, files in rows.items():
        figures = [scores.figures() for scores in files]
        cells = [_cell([one[column] for one in figures if column in one]) for column in COLUMNS]
        lines.append(f"{name:24s}" + "".join(f"{cell:>9s}" for cell in cells))
    return "\n".join(lines)


def _cell(values: Sequence[float]) -> str:
    return f"{fmean(values):.3f}" if values else "-"


def makers(*, without_each: bool) -> dict[str, Callable[[], Recommender]]:
    """Return what is scored, by name."""
    found: dict[str, Callable[[], Recommender]] = {
        name: partial(BaselineRecommender, name) for name in BASELINES
    }
    found["tmws_mcp"] = _product
    for left_out in EXPERTS if without_each else ():
        others = {name: expert for name, expert in EXPERTS.items() if name != left_out}
        found[f"  without {left_out}"] = partial(_product, others)
    return found


def _product(
    experts: Mapping[str, Expert] = EXPERTS, first: Mapping[str, Row] | None = None
) -> Recommender:
    return ProductRecommender(Product(experts, first=first))


def held_out(paths: Sequence[Path], files: Sequence[Sequence[Session]], mode: str) -> list[Scores]:
    """Return the scores of each file with weights that were fitted to the others."""
    draw = random.Random(0)
    samples = [fit.sample(path, draw) for path in paths]
    found = []
    for number, sessions in enumerate(files):
        others = [sample for place, sample in enumerate(samples) if place != number]
        first = fit.fitted(others, draw).rows
        found.append(scored(partial(_product, first=first), sessions, mode))
    return found


def main() -> None:
    """Print a table for each mode."""
    asked = _arguments()
    files = [read(path, limit=asked.limit) for path in asked.traces]
    for mode in MODES:
        rows = {
            name: [scored(make, sessions, mode) for sessions in files]
            for name, make in makers(without_each=asked.without_each).items()
        }
        if asked.held_out:
            rows["  weights of other files"] = held_out(asked.traces, files, mode)
        print(f"{mode}\n{table(rows)}\n", flush=True)
        if asked.plot and mode == "online":
            bins = [scores.next.bins() for scores in rows["tmws_mcp"]]
            asked.plot.write_bytes(reliability_png(bins))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("traces", nargs="+", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--without-each", action="store_true")
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--plot", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
