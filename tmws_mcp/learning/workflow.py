"""A whole sequence of tools for a task, out of the runs of tasks like it.

The answer is the run that is most like all the others, weighted by how like their task is and how
they ended (minimum Bayes risk with F1 of the longest common subsequence): a representative one
rather than the newest or the shortest. Further answers must differ from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tmws_mcp.learning import posterior, sequences, wording
from tmws_mcp.learning.answers import Answer
from tmws_mcp.learning.asking import Asked
from tmws_mcp.learning.identity import pattern_id
from tmws_mcp.learning.kinds import task_sequence
from tmws_mcp.learning.learned import evidence_of
from tmws_mcp.model import Recommendation
from tmws_mcp.store import actor, learned, tasks
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Tally

RUNS_EACH = 12
CANDIDATES_MAX = 24
ANSWERS_MAX = 3
ALIKE = 0.8
"""Two answers that have as much in common are one."""
CHANCE = 0.3
"""What two unrelated runs have in common; counts as one run, so that few runs make no certainty."""
NEAR_ENOUGH = 0.3
"""A task that is like this one by .7 or more is as good as the same."""
WEIGHTS = {"success": 1.0, "unknown": 0.5, "failure": 0.15}


@dataclass(slots=True)
class Candidate:
    """A sequence that was seen for a task like this."""

    tools: tuple[str, ...]
    task: int
    """The nearest task that it was seen for."""
    similarity: float
    weight: float = 0.0
    runs: Tally = field(default_factory=Tally)
    """How its runs ended; those of unknown end stand apart."""
    unknown: int = 0

    @property
    def usable(self) -> bool:
        """Tell whether one of its runs did not fail."""
        return bool(self.runs.ok or self.unknown)


def recommend(db: Connection, asked: Asked) -> Answer:
    """Recommend up to three different sequences."""
    if not asked.task:
        return Answer(reason="Say which task: a workflow is found by the words of the task.")
    candidates = _candidates(db, asked)
    if not candidates:
        with_these = " that used only available_tools" if asked.case.available else ""
        return Answer(reason=f"No task like this one has a finished run{with_these} yet.")
    chosen = _chosen(candidates, min(ANSWERS_MAX, asked.limit))
    if not chosen:
        return Answer(reason="All runs of tasks like this one failed.")
    return Answer(tuple(_recommendation(db, asked, one, candidates) for one in chosen))


def _candidates(db: Connection, asked: Asked) -> list[Candidate]:
    me = frozenset([actor.identity(db)])
    found: dict[tuple[str, ...], Candidate] = {}
    for task, similarity in asked.case.near:
        for run in tasks.runs(db, task, RUNS_EACH):
            tools = sequences.worked(run.steps)
            if not tools or (
                asked.case.available and not set(asked.case.available).issuperset(tools)
            ):
                continue
            # The nearest task comes first, so that a candidate keeps it.
            one = found.setdefault(tools, Candidate(tools, task, similarity))
            one.weight += similarity**2 * WEIGHTS[run.outcome]
            if run.outcome == "unknown":
                one.unknown += 1
            one.runs.add(
                Tally(
                    n=int(run.outcome != "unknown"),
                    ok=int(run.outcome == "success"),
                    actors=me,
                    last_at=run.at,
                )
            )
    return sorted(found.values(), key=lambda one: (-one.weight, one.tools))[:CANDIDATES_MAX]


def _chosen(candidates: Sequence[Candidate], limit: int) -> list[Candidate]:
    """Return the most representative ones that differ from each other."""
    chosen: list[Candidate] = []
    usable = [one for one in candidates if one.usable]
    for one in sorted(usable, key=lambda one: (-_expected(one, candidates), one.tools)):
        if all(sequences.likeness(one.tools, other.tools) < ALIKE for other in chosen):
            chosen.append(one)
        if len(chosen) == limit:
            break
    return chosen


def _expected(one: Candidate, candidates: Sequence[Candidate]) -> float:
    """Return how like the sequence is to what the runs of such tasks did, on average."""
    total = sum(other.weight for other in candidates)
    alike = sum(other.weight * sequences.likeness(one.tools, other.tools) for other in candidates)
    return (alike + CHANCE) / (total + 1)


def _recommendation(
    db: Connection, asked: Asked, one: Candidate, candidates: Sequence[Candidate]
) -> Recommendation:
    same, rest = Tally(), Tally()
    for other in candidates:
        alike = sequences.likeness(one.tools, other.tools) >= ALIKE
        (same if alike else rest).add(other.runs)
    shown = same if same.n else Tally(n=one.unknown, actors=same.actors, last_at=same.last_at)
    return Recommendation(
        action=one.tools,
        kind="workflow",
        confidence=round(_expected(one, candidates) * min(1.0, one.similarity + NEAR_ENOUGH), 4),
        success_rate=round(posterior.mean([same]), 3) if same.n else None,
        why=_why(db, one, same, rest),
        pattern_id=_kept_pattern(db, asked, one),
        evidence=evidence_of(shown, rest if same.n else None),
    )


def _why(db: Connection, one: Candidate, same: Tally, rest: Tally) -> str:
    task = tasks.by_id(db, one.task)
    of = f", for tasks like {wording.task(task.text)}" if task else ""
    if not same.n:
        runs = "run" if one.unknown == 1 else "runs"
        return f"done in {one.unknown} {runs} of unknown end, last {wording.day(same.last_at)}{of}"
    return f"{wording.worked(same)}{of}{wording.without(rest)}"


def _kept_pattern(db: Connection, asked: Asked, one: Candidate) -> str | None:
    task = tasks.by_id(db, one.task)
    if task is None:
        return None
    made = task_sequence.definition(task, one.tools)
    known = learned.find(db, asked.case.ns, pattern_id(task_sequence.KIND, made))
    return known.id if known else None
