"""Many forecasts -> one: a mixture whose weights follow what each expert foresaw.

The share that an expert had in foreseeing a step (its part of the mixture's probability for what
then happened) is counted in thousandths, for the situation at hand and for all situations alike:
the expectation step of expectation maximisation, kept as counts, so that nodes can add them up.
A mixture fitted like this is a probability as it stands: what no expert foresaw is credited to
`surprise`, which keeps its share to itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum

from tmws_mcp.learning.case import Case, Forecast
from tmws_mcp.learning.experts import EXPERTS, Expert
from tmws_mcp.store import evidence
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context

CREDIT = "credit"
SURPRISE = "surprise"
SURPRISE_WEIGHT = 0.05
SURPRISE_SHARE = 0.002
"""What a surprise is taken to have foreseen of any one tool."""
UNIT = 1_000
"""The credit for one step."""
STRENGTH_ALL = 20 * UNIT
"""The built-in weights count as much as so many steps."""
STRENGTH_HERE = 15 * UNIT
"""The weights of all situations count as much as so many steps of this one."""

ALIKE = 0.3
"""Two tasks as near as this share more than their manner of speaking."""

Voices = Mapping[str, Forecast]
"""What each expert that is not silent expects."""


@dataclass(frozen=True, slots=True)
class Blend:
    """The mixture for a case."""

    shares: dict[str, float]
    """Tool -> probability that it is the right one."""
    voices: Voices
    weights: Mapping[str, float]


def listen(
    db: Connection, case: Case, experts: Mapping[str, Expert] = EXPERTS
) -> dict[str, Forecast]:
    """Return the forecasts of the experts that have something to say about the case."""
    voices: dict[str, Forecast] = {}
    for name, expert in experts.items():
        forecast = _possible(expert.foresee(db, case), case.available)
        if forecast.shares:
            voices[name] = forecast
    return voices


def _possible(forecast: Forecast, available: frozenset[str]) -> Forecast:
    """Leave out what cannot be called."""
    if not available:
        return forecast
    kept = {tool: share for tool, share in forecast.shares.items() if tool in available}
    total = fsum(kept.values())
    return Forecast({tool: share / total for tool, share in kept.items()}, forecast.reach)


def blend(db: Connection, case: Case, experts: Mapping[str, Expert] = EXPERTS) -> Blend:
    """Return what the experts expect together."""
    voices = listen(db, case, experts)
    weights = _weights(db, case, voices, experts)
    shares: dict[str, float] = {}
    for name, voice in voices.items():
        for tool, share in voice.shares.items():
            shares[tool] = shares.get(tool, 0.0) + weights[name] * share
    return Blend(shares, voices, weights)


def credit(case: Case, mixed: Blend, happened: str) -> dict[Context, int]:
    """Return whom the step that happened is credited to, as changes of counts."""
    parts = {
        name: mixed.weights[name] * voice.shares.get(happened, 0.0)
        for name, voice in mixed.voices.items()
    }
    parts[SURPRISE] = mixed.weights[SURPRISE] * SURPRISE_SHARE
    total = sum(parts.values())
    return {
        (CREDIT, key, name): earned
        for name, part in parts.items()
        if (earned := round(UNIT * part / total))
        for key in (case.want, _situation(case, mixed.voices))
    }


def _weights(
    db: Connection, case: Case, voices: Voices, experts: Mapping[str, Expert]
) -> dict[str, float]:
    here = _situation(case, voices)
    counted = evidence.followers(db, case.ns, CREDIT, (case.want, here))
    weights = {name: experts[name].weight for name in voices} | {SURPRISE: SURPRISE_WEIGHT}
    for key, strength in ((case.want, STRENGTH_ALL), (here, STRENGTH_HERE)):
        weights = _updated(weights, counted.get(key, {}), strength)
    return weights


def _updated(
    weights: Mapping[str, float], earned: Mapping[str, int], strength: int
) -> dict[str, float]:
    """Return the weights after so many credits, adding up to 1 over those who speak."""
    total = sum(weights.values())
    raised = {
        name: earned.get(name, 0) + strength * weight / total for name, weight in weights.items()
    }
    total = sum(raised.values())
    return {name: weight / total for name, weight in raised.items()}


def _situation(case: Case, voices: Voices) -> str:
    """Return what decides whom to trust: who speaks, and how particular their evidence is."""
    reach = {name: voices[name].reach if name in voices else -1 for name in ("ngram", "recovery")}
    likeness = case.near[0][1] if case.near else 0.0
    known = "known" if likeness == 1.0 else "like" if likeness >= ALIKE else "new"
    votes = voices["similar"].reach if "similar" in voices else -1
    failed = "failed" if case.steps and not case.steps[-1].ok else "ok"
    return (
        f"{case.want}|{failed}|{min(len(case.steps), 2)}|{reach['ngram']}|{reach['recovery']}"
        f"|{known}|{min(votes, 2)}|{int(bool(case.available))}"
    )
