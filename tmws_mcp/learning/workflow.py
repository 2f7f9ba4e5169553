"""A whole sequence of tools for a task, out of the runs of tasks like it.

The answer is the run that is most like all the others, weighted by how like their task is and how
they ended (minimum Bayes risk with F1 of the longest common subsequence): a representative one
rather than the newest or the shortest. Further answers must differ from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from math import fsum
from operator import mul
from statistics import fmean, median

from tmws_mcp.learning import posterior, sequences, wording
from tmws_mcp.learning.answers import Answer
from tmws_mcp.learning.asking import Asked
from tmws_mcp.learning.blend import blend, trusts_new
from tmws_mcp.learning.counting import SEQUENCE
from tmws_mcp.learning.experts import ngram
from tmws_mcp.learning.identity import pattern_id
from tmws_mcp.learning.kinds import task_sequence
from tmws_mcp.learning.learned import evidence_of
from tmws_mcp.model import Recommendation
from tmws_mcp.store import actor, evidence, learned, tasks
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Tally
from tmws_mcp.store.observations import Step
from tmws_mcp.store.tasks import Run, Task

CANDIDATES_MAX = 24
ANSWERS_MAX = 3
FAILED_RUNS_MAX = 3
"""A sequence that failed so often, and never worked, is not recommended."""
EXPECTED_WEIGHT = 0.5
"""The sequence of the experts counts as so large a part of all runs of tasks alike."""
ON_TRACK_ENOUGH = 0.25
"""Share of its steps that such a sequence is likely to get right; it counts the less below. A long
one goes astray: of twenty steps among hundreds of tools it was worse than any run of a task alike.
"""
LENGTH = 3
"""Of a sequence where no run is known."""
ALIKE = 0.8
"""Two answers that have as much in common are one."""
CHANCE = 0.3
"""What two unrelated runs have in common; counts as one run, so that few runs make no certainty."""
NEAR_ENOUGH = 0.3
"""A task that is like this one by .7 or more is as good as the same."""
WEIGHTS = {"success": 1.0, "unknown": 0.5, "failure": 0.15}


@dataclass(slots=True)
class Candidate:
    """A sequence that was seen for a task like this, or that the experts would take."""

    tools: tuple[str, ...]
    task: int | None
    """The nearest task that it was seen for, None where it was never seen."""
    similarity: float
    weight: float = 0.0
    runs: Tally = field(default_factory=Tally)
    """How its runs ended; those of unknown end stand apart."""
    unknown: int = 0

    @property
    def usable(self) -> bool:
        """Tell whether it has not failed as often as to be ruled out."""
        return bool(self.runs.ok or self.unknown) or self.runs.n < FAILED_RUNS_MAX


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
    lengths: list[int] = []
    stand_ins = _stand_ins(asked)
    for task, similarity in asked.case.near:
        for run in asked.view.runs(task):
            done = sequences.worked(run.steps)
            lengths.append(len(done))
            tools = _callable(done, asked.case.available, stand_ins)
            if tools:
                # The nearest task comes first, so that a candidate keeps it.
                one = found.setdefault(tools, Candidate(tools, None, similarity))
                one.weight += similarity**2 * WEIGHTS[run.outcome]
                if tools == done:  # else nobody has ever done just this
                    _add_run(one, run, task, me)
    _add_expected(asked, found, lengths)
    return sorted(found.values(), key=lambda one: (-one.weight, one.tools))[:CANDIDATES_MAX]


def _stand_ins(asked: Asked) -> tuple[str, ...]:
    """Return tools that can take the place of others, the likeliest for the task first.

    Another server's tools do the same work under other names, and the order of a run is worth
    keeping. Those that were used here before have a place of their own.
    """
    case = asked.case
    if not case.available or not trusts_new(asked.view):
        return ()
    known = ngram.totals(asked.view)
    shares = blend(asked.view, case, asked.view.weights(), asked.experts).shares
    new = (tool for tool in shares if tool not in known)
    return tuple(sorted(new, key=lambda tool: (-shares[tool], tool)))


def _callable(
    tools: tuple[str, ...], available: tuple[str, ...], stand_ins: tuple[str, ...]
) -> tuple[str, ...]:
    """Return a sequence with what can be called in the place of what cannot, or without it."""
    if not available:
        return tools
    others = (tool for tool in stand_ins if tool not in tools)
    called = {
        tool: tool if tool in available else next(others, "") for tool in dict.fromkeys(tools)
    }
    return sequences.collapsed(called[tool] for tool in tools if called[tool])


def _add_run(one: Candidate, run: Run, task: int, me: frozenset[str]) -> None:
    """Count a run that took just these steps."""
    if one.task is None:
        one.task = task
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


def _add_expected(
    asked: Asked, found: dict[tuple[str, ...], Candidate], lengths: Sequence[int]
) -> None:
    """Add the sequence that the experts would take step by step, as long as such runs are."""
    if not (lengths or asked.case.available):
        return
    length = min(int(median(lengths)) if lengths else LENGTH, sequences.STEPS_MAX)
    tools, on_track = expected_steps(asked, max(length, 1))
    known = [tool in ngram.totals(asked.view) for tool in tools]
    # Of tools that nobody ever used here nothing is known, however well their names fit the task.
    if any(known) and (all(known) or trusts_new(asked.view)):
        seen = sum(one.weight for one in found.values())
        one = found.setdefault(tools, Candidate(tools, None, 0.0))
        one.weight += EXPECTED_WEIGHT * min(1.0, on_track / ON_TRACK_ENOUGH) * (seen or 1.0)


def expected_steps(asked: Asked, length: int) -> tuple[tuple[str, ...], float]:
    """Return the likeliest steps, and the share of them that all before them let expect."""
    case, weights = asked.case, asked.view.weights()
    likely: list[float] = []
    for _ in range(length):
        shares = blend(asked.view, case, weights, asked.experts).shares
        others = {tool: share for tool, share in shares.items() if tool != case.last}
        if not others:
            break
        best = min(others, key=lambda tool: (-others[tool], tool))
        likely.append(others[best] / fsum(others.values()))
        steps = (*case.steps, Step(best, ok=True))
        case = replace(case, steps=steps, is_new_turn=False)
    on_track = fmean(accumulate(likely, mul)) if likely else 0.0
    return tuple(step.tool for step in case.steps), on_track


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
    task = tasks.by_id(db, one.task) if one.task is not None else None
    whole = _whole(db, asked, one, task)
    if whole.changed_at:  # what it did before says little of what it will do
        same = whole
    shown = same if same.n else Tally(n=one.unknown, actors=same.actors, last_at=same.last_at)
    likely = _expected(one, candidates) * min(1.0, one.similarity + NEAR_ENOUGH)
    return Recommendation(
        action=one.tools,
        kind="workflow",
        confidence=round(likely * _kept_share(whole), 4),
        success_rate=round(posterior.mean([same, whole]), 3) if same.n else None,
        why=_why(task, one, same, rest),
        pattern_id=_kept_pattern(db, asked, one, task),
        evidence=evidence_of(shown, rest if same.n else None),
    )


def _whole(db: Connection, asked: Asked, one: Candidate, task: Task | None) -> Tally:
    """Return how exactly this sequence went for its task, with who judged it and how lately."""
    if task is None:
        return Tally()
    return evidence.tally(db, asked.case.ns, SEQUENCE, task.hash, sequences.key(one.tools))


def _kept_share(whole: Tally) -> float:
    """Return how much of its success a sequence has kept since it got worse; 1.0 where it did not.

    Runs are weighed as they ended, however long ago: without this, a sequence that broke would
    stay the first for as long as it had worked.
    """
    if not (whole.changed_at and whole.before_ok):
        return 1.0
    return min(1.0, posterior.mean([whole]) * whole.before_n / whole.before_ok)


def _why(task: Task | None, one: Candidate, same: Tally, rest: Tally) -> str:
    of = f", for tasks like {wording.task(task.text)}" if task else ""
    if not (same.n or one.unknown):
        return "put together from what usually comes next; never run as a whole here"
    if not same.n:
        runs = "run" if one.unknown == 1 else "runs"
        return f"done in {one.unknown} {runs} of unknown end, last {wording.day(same.last_at)}{of}"
    return f"{wording.worked(same)}{of}{wording.without(rest)}"


def _kept_pattern(db: Connection, asked: Asked, one: Candidate, task: Task | None) -> str | None:
    if task is None:
        return None
    made = task_sequence.definition(task, one.tools)
    known = learned.find(db, asked.case.ns, pattern_id(task_sequence.KIND, made))
    return known.id if known else None
