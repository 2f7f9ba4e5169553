"""query + match + mode -> route.

Each route is scored by the share of votes that agree with it: the pattern's own, the mode's, the
query's words, the state. The share is the confidence, and the votes are the explanation.
"""

from collections.abc import Iterator

from tmws_mcp.model import Alternative, Decision, Mode, Route
from tmws_mcp.router.features import Features
from tmws_mcp.router.modes import MODES, OBSERVED_VOTES, PATTERN_VOTES, Part, Signal

PARTS: dict[Route, frozenset[Part]] = {
    "infrastructure": frozenset({"infrastructure"}),
    "memory": frozenset({"memory"}),
    "hybrid": frozenset({"infrastructure", "memory"}),
}

OUT_OF_SCOPE = 0.25
ONLY = "a recall is all there is"
OURS_NONE_MAX = 0.3
"""A query that is so unlikely to mean none of the patterns is ours, whichever it means."""
ASKS_NOTHING = "asks for nothing that is remembered"
FOREIGN_MIN = 0.5
"""From where on a query is none of ours although its words ask for something earlier. Such words
say little beside the examples: of forty queries by people who had seen no example, which had them
and matched no pattern, 36 meant nothing of ours."""


def route(match_route: Route | None, features: Features, mode: Mode) -> Decision:
    """Return how much of a pattern to run; `match_route` is the route that it was written for.

    Without a pattern there is at most a plain recall; where that has nothing to look at either,
    `runs` is False.
    """
    if match_route is None:
        return _without_pattern(features)
    signals = [
        *_of_pattern(match_route),
        *_of_words(features),
        *MODES[mode](features),
    ]
    ranked = sorted(
        (_scored(option, signals, features) for option in _possible(match_route, features)),
        key=lambda option: (-option.score, option.route != match_route),
    )
    chosen, *others = ranked
    runs = features.actions_run or chosen.route != "infrastructure"
    return Decision(chosen.route, chosen.score, chosen.why, tuple(others), runs=runs)


def _without_pattern(features: Features) -> Decision:
    """Choose between a plain recall and nothing.

    A query that is out of scope, which asks for nothing remembered and is like no pattern's, gets
    a confidence below a half: a recall is all that there is for it, and may well find nothing.
    """
    nothing = "no pattern matches"
    if features.leans and features.leans[0] == "memory":
        why = f"{nothing} surely enough to be run; the query is like those of a memory pattern"
        return Decision("memory", max(0.5, features.leans[1]), why, runs=features.memories > 0)
    if features.asks_remembered and not _is_foreign(features):
        empty = "" if features.memories else ", and nothing is yet"
        why = f"{nothing}; the query asks for something remembered{empty}"
        sure = 1.0 if features.none is None else round(1 - features.none, 3)
        return Decision("memory", sure if features.memories else 0.5, why)
    if features.memories and features.none is not None and features.none <= OURS_NONE_MAX:
        why = f"{nothing} surely enough to be run, and the query is like those of several"
        return Decision("memory", 1 - features.none, why)
    if features.memories:
        says = "is like what nobody's patterns are for" if _is_foreign(features) else ASKS_NOTHING
        why = f"{nothing}, and the query {says}: out of scope, {ONLY}"
        return Decision("memory", OUT_OF_SCOPE, why)
    return Decision("memory", 0.0, f"{nothing} and nothing is remembered: out of scope", runs=False)


def _is_foreign(features: Features) -> bool:
    """Say whether a query is none of ours although its words ask for something earlier."""
    return (features.none or 0.0) > FOREIGN_MIN


def _possible(written_for: Route, features: Features) -> tuple[Route, ...]:
    """Return the routes that the pattern has steps for; a recall can be added to any action."""
    if written_for == "memory":
        return ("memory",)
    if not features.actions_run:
        return ("memory",) if written_for == "hybrid" else ("infrastructure",)
    if written_for == "infrastructure":
        return ("infrastructure", "hybrid")
    return ("hybrid",) if features.stores else ("hybrid", "infrastructure", "memory")


def _of_pattern(written_for: Route) -> Iterator[Signal]:
    for part in sorted(PARTS["hybrid"]):
        wanted = part in PARTS[written_for]
        why = f"the pattern {'has' if wanted else 'needs no'} {part} steps"
        yield Signal(part, wanted, PATTERN_VOTES, why)


def _of_words(features: Features) -> Iterator[Signal]:
    if features.asks_remembered and features.memories:
        yield Signal("memory", True, OBSERVED_VOTES, "the query asks for something earlier")
    if features.asks_present:
        yield Signal("infrastructure", True, OBSERVED_VOTES, "the query asks how things are now")


def _scored(option: Route, signals: list[Signal], features: Features) -> Alternative:
    agreeing = [signal for signal in signals if signal.wanted == (signal.part in PARTS[option])]
    score = sum(s.votes for s in agreeing) / sum(s.votes for s in signals)
    reasons = [s.why for s in sorted(agreeing, key=lambda s: -s.votes)]
    if cost := features.costs.get(option):
        reasons.append(
            f"measured over {cost.runs} runs: {cost.tokens:.0f} tokens, {cost.milliseconds:.0f} ms"
        )
    return Alternative(route=option, score=round(score, 3), why="; ".join(reasons) or "no signal")
