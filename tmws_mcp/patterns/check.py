"""Checking pattern files: what cannot be used, and examples that lead elsewhere.

A pattern's examples are its tests. Each query under `match` must lead to it, by a trigger or by
what is learned of the examples; where triggers of a second pattern of the same priority claim it
too, the choice between them would be an accident.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tmws_mcp.actions.registry import ACTIONS, CONFIGURED_ACTIONS, STATE_ACTIONS, is_known
from tmws_mcp.errors import PatternFileError
from tmws_mcp.patterns.catalog import Catalog, load_catalog, shipped_folder
from tmws_mcp.patterns.definition import Pattern
from tmws_mcp.patterns.matcher import Matcher
from tmws_mcp.patterns.semantic.words import normalised
from tmws_mcp.yamlfile import line_of

LEARNING_SECONDS_MAX = 120.0


def check_folder(folder: Path) -> list[PatternFileError]:
    """Return what is wrong in a folder, beside the shipped patterns that it is used with."""
    shipped = shipped_folder()
    own = folder.resolve() == shipped.resolve()
    return check_catalog(load_catalog([folder] if own else [shipped, folder]))


def check_catalog(catalog: Catalog) -> list[PatternFileError]:
    """Return all problems of a catalogue: of its files, then of its patterns in their order."""
    matcher = _matcher(catalog)
    problems = list(catalog.problems)
    for name, pattern in catalog.patterns.items():
        path = catalog.files.get(name, Path(name))
        for place, problem in _problems(pattern, matcher):
            said = f"{place[0]}: {problem}"
            problems.append(PatternFileError(path, said, line=line_of(path, place)))
    return problems


def _matcher(catalog: Catalog) -> Matcher:
    """Return a matcher that has learned the examples, if one of them has no trigger."""
    matcher = Matcher(catalog)
    examples = (query for p in catalog.patterns.values() for query in p.examples.match)
    if any(matcher.match(query).pattern is None for query in examples):
        matcher.learn()
        matcher.learned(LEARNING_SECONDS_MAX)
    return matcher


Place = Sequence[str | int]


def _problems(pattern: Pattern, matcher: Matcher) -> Iterator[tuple[Place, str]]:
    yield from _action_problems(pattern)
    yield from _trigger_problems(pattern, matcher)
    for number, query in enumerate(pattern.examples.match):
        if problem := _led_astray(pattern, query, matcher):
            yield ("examples", "match", number), problem
    for number, query in enumerate(pattern.examples.no_match):
        if matcher.match(query).pattern == pattern.id:
            yield ("examples", "no_match", number), f"{query!r} leads here, and must not"


def _action_problems(pattern: Pattern) -> Iterator[tuple[Place, str]]:
    for number, step in enumerate(pattern.steps):
        name = getattr(step, "action", None)
        if name is not None and not is_known(name):
            known = ", ".join(sorted({*ACTIONS, *STATE_ACTIONS, *CONFIGURED_ACTIONS}))
            yield ("steps", number, "action"), f"there is no action {name!r}; known are {known}"


def _trigger_problems(pattern: Pattern, matcher: Matcher) -> Iterator[tuple[Place, str]]:
    if not (pattern.triggers.exact or pattern.triggers.regex or pattern.examples.match):
        yield ("triggers",), "there are none, and no examples, so that no query can lead here"
    for number, phrase in enumerate(pattern.triggers.exact):
        if not normalised(phrase):
            yield ("triggers", "exact", number), f"{phrase!r} holds no letter, digit or symbol"
        elif (found := matcher.match(phrase).pattern) != pattern.id:
            yield ("triggers", "exact", number), f"{phrase!r} leads to {found}"


def _led_astray(pattern: Pattern, query: str, matcher: Matcher) -> str | None:
    found = matcher.match(query).pattern
    if found is None:
        return f"{query!r} must lead here, and neither a trigger nor the examples lead here"
    if found != pattern.id:
        return f"{query!r} must lead here, and leads to {found}"
    rivals = [
        name
        for name, priority in matcher.claimants(query).items()
        if name != pattern.id and priority == pattern.priority
    ]
    if rivals:
        return f"{query!r} is claimed by {', '.join(rivals)} too: narrow one, or set priorities"
    return None
