"""The two ways to score a recommender on the sessions of a file.

Online: every step is asked about before it is observed. Unseen: the sessions of half of the tasks
are observed, then those of the other half are asked about and never observed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

from benchmarks.learning.measures import Ranking, likeness
from benchmarks.learning.recommenders import Recommender
from benchmarks.learning.traces import Session, right_answers

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


def online(recommender: Recommender, sessions: Sequence[Session]) -> Scores:
    """Return what a recommender reaches that learns as it goes."""
    scores = Scores()
    for session in sessions:
        learn_session(recommender, session, scores)
    return scores


def unseen(recommender: Recommender, sessions: Sequence[Session]) -> Scores:
    """Return what a recommender reaches on tasks that it has never seen."""
    for session in sessions:
        if not session.is_held_out:
            observe_session(recommender, session)
    return asked_only(recommender, sessions)


def asked_only(recommender: Recommender, sessions: Sequence[Session]) -> Scores:
    """Return what a recommender reaches on the held-out tasks as it is, learning nothing."""
    scores = Scores()
    for session in sessions:
        if session.is_held_out:
            _replay(recommender, session, scores, learn=False)
    return scores


def learn_session(recommender: Recommender, session: Session, scores: Scores) -> None:
    """Ask about every step of a session before it is observed."""
    _replay(recommender, session, scores, learn=True)


def observe_session(recommender: Recommender, session: Session) -> None:
    """Observe a session without a question."""
    _replay(recommender, session, None, learn=True)


def _replay(
    recommender: Recommender, session: Session, scores: Scores | None, *, learn: bool
) -> None:
    turn = ""
    if scores and session.success and len(session.steps) >= PLAN_STEPS_MIN:
        _plan(recommender, session, scores)
    for number, step in enumerate(session.steps):
        turn = step.get("turn") or turn
        before = session.steps[:number]
        for want, right in right_answers(session, number) if scores else ():
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
