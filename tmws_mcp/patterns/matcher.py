"""Which pattern is meant by a query?

First the query as a whole: normalised, it may be one of the exact triggers (one dictionary access).
Then one RE2 set asks all regular expressions in one pass; those that match are run once more for
their groups. Priority decides among several, then how much of the query is accounted for. Last,
what was learned of the patterns' examples says which is probably meant (see semantic/), or that
none is; it is learned in the background, and a query that no trigger matches is told so until then.

An expression that is known to match what means something else (see breadth.py) is a strong sign
and no more: it is weighed with what the examples say, and may be overruled. Exact triggers, narrow
expressions, and what stores something where it is told to, never are.

The confidence of an expression alone is a stated rule and not a measured figure: half a point for
having matched, and up to .45 for the share of the query that it covers. Where the examples were
asked, it is measured.
"""

import heapq
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tmws_mcp.model import Match
from tmws_mcp.patterns.breadth import is_broad, sign
from tmws_mcp.patterns.catalog import Catalog
from tmws_mcp.patterns.definition import TRIGGER_CHARS_MAX, Pattern
from tmws_mcp.patterns.guessing import (
    CONFIDENCE_MIN,
    LACKING_MIN,
    arguments_in,
    confidence_needed,
    none_allowed,
    overrules,
)
from tmws_mcp.patterns.regexes import Hit, Regex, RegexSet
from tmws_mcp.patterns.semantic.stage import Stage
from tmws_mcp.patterns.semantic.words import normalised

if TYPE_CHECKING:
    from tmws_mcp.patterns.semantic.examples import Lesson
    from tmws_mcp.patterns.semantic.model import Guess, Model

MATCHES_KEPT_MAX = 1_000
CLOSEST_MAX = 3
OWNERS_MAX = 100
"""A word that more patterns share tells next to nothing about which of them is close."""
TOLD_SIGN = 8.0
"""A query that is itself an example, or a counterexample: its author has said what it means."""
PREFERRED_SIGN = 1.0
"""What a persona's preference adds where a broad expression matched: as much as the match."""
NOBODY: frozenset[str] = frozenset()
# Folding may lengthen a text a little; whatever is longer cannot be an exact trigger.
EXACT_CHARS_MAX = 4 * TRIGGER_CHARS_MAX
EXACT_CONFIDENCE = 1.0
REGEX_CONFIDENCE, COVERAGE_CONFIDENCE = 0.5, 0.45

_WORD = re.compile(r"[^\W_]+")

Matched = tuple[int, Pattern, Hit]
"""The position of an expression, its pattern, and where it matched."""


class Matcher:
    """Finds the pattern for a query among those of one catalogue."""

    def __init__(self, catalog: Catalog) -> None:
        self._patterns = catalog.patterns
        self._exact = _exact_index(catalog.patterns)
        self._regexes = [
            (pattern, Regex(expression))
            for pattern in catalog.patterns.values()
            for expression in pattern.triggers.regex
        ]
        self._set = RegexSet([regex for _, regex in self._regexes])
        self._words = _word_index(catalog.patterns)
        self._stage: Stage | None = None
        self._broad: dict[int, bool] = {}
        self._told = _told(catalog.patterns)
        self._cached = lru_cache(MATCHES_KEPT_MAX)(self._find)

    def learn(self, folder: Path | None = None) -> None:
        """Have the examples learned, once a query needs them; a folder keeps what was learned."""
        self._stage = Stage(self._patterns, self._owner, folder)

    def learned(self, seconds_max: float = 0.0) -> bool:
        """Wait until a query that no trigger matches gets all the answer that it will ever get."""
        return self._stage is None or self._stage.wait(seconds_max)

    def match(self, query: str, preferred: Iterable[str] = ()) -> Match:
        """Return the pattern that is meant; where none is, the ids of the closest ones.

        Between patterns of the same priority one of the preferred wins.
        """
        stage, first = self._stage, frozenset(preferred)
        return self._cached(query, first, stage.model if stage else None, self.problem)

    def guess(self, query: str) -> "Guess | None":
        """Return what the examples say of a query, whatever the triggers do; None: not learned."""
        return self.model.guess(query) if self.model else None

    @property
    def problem(self) -> str:
        """Why nothing is learned of the examples, where nothing is."""
        return self._stage.problem if self._stage else ""

    @property
    def model(self) -> "Model | None":
        """What was learned of the examples, once it is."""
        return self._stage.model if self._stage else None

    def claimants(self, query: str) -> dict[str, int]:
        """Return every pattern that one of its triggers matches, with its priority."""
        exact = self._exact.get(normalised(query), ())
        ids = {*exact, *(pattern.id for _, pattern, _ in self._hits(query))}
        return {name: self._patterns[name].priority for name in sorted(ids)}

    def closest(self, query: str, limit: int = CLOSEST_MAX) -> tuple[str, ...]:
        """Return the patterns whose texts share the rarest words with the query."""
        scores: dict[str, float] = defaultdict(float)
        for word in set(_WORD.findall(normalised(query))):
            owners = self._words.get(word, ())
            rarity = math.log1p(len(self._patterns) / len(owners)) if owners else 0.0
            for name in owners:
                scores[name] += rarity
        return tuple(heapq.nsmallest(limit, scores, key=lambda name: (-scores[name], name)))

    def clear(self) -> None:
        """Forget the kept matches."""
        self._cached.cache_clear()

    def kept(self) -> tuple[int, int, int]:
        """Return how often a kept match served, how often it did not, and how many are kept."""
        info = self._cached.cache_info()
        return info.hits, info.misses, info.currsize

    def _find(
        self, query: str, preferred: frozenset[str], model: "Model | None", problem: str
    ) -> Match:
        if exact := self._exactly(query, preferred):
            return exact
        hits = list(self._hits(query))
        found = _strongest(query, hits, preferred)
        if found and self._is_final(found, hits):
            return found
        if model is None:
            self._begin()
            missed = Match(None, "none", 0.0, closest=self.closest(query), why=problem)
            return replace(found or missed, final=self.learned())
        return self._weighed(query, hits, found, model, preferred)

    def _exactly(self, query: str, preferred: frozenset[str] = NOBODY) -> Match | None:
        if len(query) <= EXACT_CHARS_MAX and (owners := self._exact.get(normalised(query))):
            return Match(self._first(owners, preferred), "exact", EXACT_CONFIDENCE)
        return None

    def _begin(self) -> None:
        """Begin to learn in the background: the first query is here that needs it."""
        if self._stage is not None:
            self._stage.begin()

    def _is_final(self, found: Match, hits: Sequence[Matched]) -> bool:
        """Say whether a trigger needs nobody to agree with it."""
        pattern = self._patterns[found.pattern or ""]
        if self._stage is None or pattern.stores or pattern.id not in self._lesson.patterns:
            return True
        return any(p.id == pattern.id and not self._is_broad(n) for n, p, _ in hits)

    def _is_broad(self, position: int) -> bool:
        """Say whether an expression is a sign and no more; found out when it first matches."""
        if position not in self._broad:
            pattern, expression = self._regexes[position]
            known = self._lesson.meanings
            self._broad[position] = is_broad(pattern.id, expression, known, self._owner)
        return self._broad[position]

    @cached_property
    def _lesson(self) -> "Lesson":
        from tmws_mcp.patterns.semantic.examples import lesson_of  # noqa: PLC0415 - it needs numpy

        return lesson_of(self._patterns, self._owner)

    def _weighed(
        self,
        query: str,
        hits: Sequence[Matched],
        found: Match | None,
        model: "Model",
        preferred: frozenset[str],
    ) -> Match:
        """Return what the examples and the triggers make most probable together."""
        told = self._told.get(normalised(query), {})
        signs = {name: weight for name, weight in told.items() if name in model.names}
        for _, pattern, hit in hits:
            if pattern.id in model.names:
                weight = sign(query, hit) + PREFERRED_SIGN * (pattern.id in preferred)
                if pattern.id not in told:
                    signs[pattern.id] = max(signs.get(pattern.id, 0.0), weight)
        guess = model.guess(query, signs)
        name, confidence = guess.ranked[0][0], round(guess.ranked[0][1], 3)
        none = round(guess.none, 3)
        own = [(n, pattern, hit) for n, pattern, hit in hits if pattern.id == name]
        allowed = none_allowed(self._patterns[name], triggered=bool(own))
        if own and none <= allowed:
            best = _strongest(query, own, NOBODY)
            assert best is not None
            return replace(best, confidence=confidence, why=str(guess), none=none)
        guessed = self._guessed(query, guess, runs=none <= allowed)
        if (
            found is None
            or overrules(guessed, query, self._patterns[name])
            or none > self._none_allowed(found)
        ):
            return guessed
        return replace(found, why=str(guess), none=none)

    def _none_allowed(self, found: Match) -> float:
        return none_allowed(self._patterns[found.pattern or ""], triggered=True)

    def _guessed(self, query: str, guess: "Guess", *, runs: bool) -> Match:
        """Return the most probable pattern if it is probable enough to be run."""
        name, confidence = guess.ranked[0][0], round(guess.ranked[0][1], 3)
        none, pattern = round(guess.none, 3), self._patterns[name]
        needed = confidence_needed(pattern)
        arguments, lacking = arguments_in(query, pattern)
        enough = needed is not None and confidence >= max(needed, LACKING_MIN if lacking else 0)
        if runs and enough:
            return Match(name, "semantic", confidence, arguments, why=str(guess), none=none)
        leans = (name, confidence) if runs and confidence >= CONFIDENCE_MIN else None
        closest = dict.fromkeys((*([name] if leans else []), *self.closest(query)))
        closest |= dict.fromkeys(other for other, _ in guess.ranked)
        ids = tuple(closest)[:CLOSEST_MAX]
        return Match(None, "none", 0.0, closest=ids, why=str(guess), leans=leans, none=none)

    def _first(self, owners: Sequence[str], preferred: frozenset[str]) -> str:
        """Return the owner of a phrase: of the highest priority, then a preferred one."""
        best = self._patterns[owners[0]].priority
        tied = (name for name in owners if self._patterns[name].priority == best)
        return min(tied, key=lambda name: name not in preferred)

    def _owner(self, query: str) -> str | None:
        found = self._exactly(query) or _strongest(query, list(self._hits(query)), NOBODY)
        return found.pattern if found else None

    def _hits(self, query: str) -> Iterator[Matched]:
        for position in self._set.search(query):
            pattern, regex = self._regexes[position]
            if hit := regex.search(query):
                yield position, pattern, hit


def _strongest(query: str, hits: Sequence[Matched], preferred: frozenset[str]) -> Match | None:
    """Return the match of the hit that goes before the others."""
    if not hits:
        return None
    _, pattern, hit = min(hits, key=lambda found: _rank(found, preferred))
    return Match(pattern.id, "regex", _confidence(query, hit), dict(hit.groups))


def _rank(found: Matched, preferred: frozenset[str]) -> tuple[int, bool, int, int, str]:
    """Order hits: priority, preference, the longest span, the most arguments, the id."""
    _, pattern, hit = found
    span = hit.start - hit.end
    return -pattern.priority, pattern.id not in preferred, span, -len(hit.groups), pattern.id


def _confidence(query: str, hit: Hit) -> float:
    words = len(_WORD.findall(query))
    covered = len(_WORD.findall(query[hit.start : hit.end]))
    share = covered / words if words else 1.0
    return round(REGEX_CONFIDENCE + COVERAGE_CONFIDENCE * share, 3)


def _exact_index(patterns: Mapping[str, Pattern]) -> dict[str, tuple[str, ...]]:
    """Return the patterns of each normalised trigger, the one of highest priority first."""
    index: dict[str, set[str]] = defaultdict(set)
    for pattern in patterns.values():
        for phrase in pattern.triggers.exact:
            index[normalised(phrase)].add(pattern.id)
    index.pop("", None)
    return {
        phrase: tuple(sorted(owners, key=lambda name: (-patterns[name].priority, name)))
        for phrase, owners in index.items()
    }


def _told(patterns: Mapping[str, Pattern]) -> dict[str, dict[str, float]]:
    """Return for each query that stands in a definition what it says for and against patterns."""
    told: dict[str, dict[str, float]] = defaultdict(dict)
    for pattern in patterns.values():
        for text in (*pattern.examples.match, *pattern.examples.like):
            told[normalised(text)][pattern.id] = TOLD_SIGN
        for text in pattern.examples.no_match:
            told[normalised(text)][pattern.id] = -TOLD_SIGN
    return dict(told)


def _word_index(patterns: Mapping[str, Pattern]) -> dict[str, tuple[str, ...]]:
    index: dict[str, list[str]] = defaultdict(list)
    for pattern in patterns.values():
        texts = (pattern.summary, *pattern.triggers.exact, *pattern.examples.match)
        for word in {word for text in texts for word in _WORD.findall(normalised(text))}:
            index[word].append(pattern.id)
    return {word: tuple(owners) for word, owners in index.items() if len(owners) <= OWNERS_MAX}
