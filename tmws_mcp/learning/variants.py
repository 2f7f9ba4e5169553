"""Which of several ways: the cheapest of those that succeed as often as the best.

How often a variant succeeds here leans on how it does under such metadata, everywhere, and on all
variants, level by level. One question in twenty goes to a draw from the posteriors instead
(Thompson sampling), so that a variant with few runs gets its chance. The draw is seeded from the
counts: the same store gives the same answer, and the next observation a fresh draw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from tmws_mcp.learning import posterior, wording
from tmws_mcp.learning.answers import Answer
from tmws_mcp.learning.asking import Asked
from tmws_mcp.learning.counting import VARIANT, variant_keys
from tmws_mcp.learning.durations import median
from tmws_mcp.learning.learned import evidence_of
from tmws_mcp.model import Recommendation
from tmws_mcp.store import evidence
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Tally

CLOSE = 0.02
"""Shares of success as near to the best count as equal; the cheapest of them wins."""
EXPLORED_EACH = 20
DRAWS = 64
DRAWN_MAX = 8
"""Variants that a draw is made for: the best ones."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One variant with what is known of it."""

    name: str
    levels: Sequence[Tally]
    """From everywhere to this very task."""
    ok: float
    bad: float
    """Parameters of the Beta distribution of its share of success here."""

    @property
    def mean(self) -> float:
        """Return its expected share of success."""
        return self.ok / (self.ok + self.bad)

    @property
    def shown(self) -> Tally:
        """Return its counts at the most particular level where it has any."""
        return next((level for level in reversed(self.levels) if level.n), Tally())

    @property
    def seconds(self) -> float:
        """Return its median duration; a variant never timed counts as slowest."""
        timed = next((level for level in reversed(self.levels) if level.durations), None)
        found = median(timed.durations) if timed else None
        return float("inf") if found is None else found

    @property
    def tokens(self) -> float:
        """Return its mean cost in tokens; a variant never metered counts as dearest."""
        metered = next((level for level in reversed(self.levels) if level.metered), None)
        return metered.tokens / metered.metered if metered else float("inf")


def recommend(db: Connection, asked: Asked) -> Answer:
    """Recommend one of the candidates, or of all known variants where none are named."""
    keys = variant_keys(asked.case.task, asked.metadata)
    levels = [evidence.tallies(db, asked.case.ns, VARIANT, key) for key in keys]
    names = asked.candidates or _known(levels)
    arms = [_arm(name, levels) for name in names]
    if not any(arm.shown.n for arm in arms):
        return Answer(
            reason="None of these candidates was observed as method."
            if asked.candidates
            else "No variant was observed. Observe with method, and name the candidates."
        )
    ranked = _ranked(arms, seed=sum(tally.n for tally in levels[0].values()), task=asked.case.task)
    likely = _probability_best(ranked, seed=asked.case.task)
    return Answer(
        tuple(
            _recommendation(arm, levels, len(keys), likely.get(arm.name, 0.0), ranked)
            for arm in ranked[: asked.limit]
            if arm.shown.n or arm is ranked[0]
        )
    )


def _known(levels: Sequence[Mapping[str, Tally]]) -> tuple[str, ...]:
    """Return the variants of the most particular level that has any."""
    return next((tuple(sorted(level)) for level in reversed(levels) if level), ())


def _arm(name: str, levels: Sequence[Mapping[str, Tally]]) -> Arm:
    everything = Tally()
    for tally in levels[0].values():
        everything.add(Tally(n=tally.n, ok=tally.ok))
    own = [level.get(name, Tally()) for level in levels]
    prior = posterior.mean([everything, *own[:-1]])
    last = own[-1]
    return Arm(
        name,
        own,
        ok=last.weighed_ok + posterior.STRENGTH * prior,
        bad=last.weighed_n - last.weighed_ok + posterior.STRENGTH * (1 - prior),
    )


def _ranked(arms: Sequence[Arm], *, seed: int, task: str) -> list[Arm]:
    values = {arm.name: arm.mean for arm in arms}
    draw = Random(f"{task}:{seed}")  # noqa: S311 - a draw among variants, not a secret
    if draw.randrange(EXPLORED_EACH) == 0:
        values = {arm.name: draw.betavariate(arm.ok, arm.bad) for arm in arms}
    best = max(values.values())
    return sorted(
        arms,
        key=lambda arm: (
            (0, arm.seconds, arm.tokens, arm.name)
            if values[arm.name] >= best - CLOSE
            else (1, -values[arm.name], 0.0, arm.name)
        ),
    )


def _probability_best(ranked: Sequence[Arm], *, seed: str) -> dict[str, float]:
    """Return in which share of draws from the posteriors each is the best, or close to it."""
    if len(ranked) == 1:  # to be the only one known is no merit: what counts is that it works
        return {ranked[0].name: ranked[0].mean}
    drawn = ranked[:DRAWN_MAX]
    draw = Random(seed)  # noqa: S311 - reproducible on purpose
    wins = dict.fromkeys((arm.name for arm in drawn), 0)
    for _ in range(DRAWS):
        values = {arm.name: draw.betavariate(arm.ok, arm.bad) for arm in drawn}
        best = max(values.values())
        for name, value in values.items():
            wins[name] += value >= best - CLOSE
    return {name: n / DRAWS for name, n in wins.items()}


def _recommendation(
    arm: Arm,
    levels: Sequence[Mapping[str, Tally]],
    depth: int,
    confidence: float,
    ranked: Sequence[Arm],
) -> Recommendation:
    at = next((n for n in reversed(range(depth)) if arm.levels[n].n), None)
    rest = Tally()
    for name, tally in levels[at].items() if at is not None else ():
        if name != arm.name:
            rest.add(tally)
    return Recommendation(
        action=arm.name,
        kind="variant",
        confidence=round(confidence, 4),
        success_rate=round(arm.mean, 3) if at is not None else None,
        why=_why(arm, rest, at_hand=at == depth - 1) + _against(arm, ranked),
        pattern_id=None,
        evidence=evidence_of(arm.shown, rest),
    )


def _why(arm: Arm, rest: Tally, *, at_hand: bool) -> str:
    if not arm.shown.n:
        return "never tried: worth a run, since the others do no better"
    where = "" if at_hand else " elsewhere"
    cost = f", about {wording.seconds(arm.seconds)}" if arm.seconds != float("inf") else ""
    others = f"; the others {wording.percent(rest.ok / rest.n)}" if rest.n else ""
    return f"{wording.worked(arm.shown)}{where}{cost}{others}"


def _against(arm: Arm, ranked: Sequence[Arm]) -> str:
    """Say how probably the variant is better than the next one that was tried, of both measured."""
    place = ranked.index(arm)
    other = next((one for one in ranked[place + 1 :] if one.shown.n), None)
    if place or other is None or not arm.shown.n:
        return ""
    better = posterior.probability_better((arm.ok, arm.bad), (other.ok, other.bad))
    return f"; succeeds more often than {other.name} with probability {better:.2f}"
