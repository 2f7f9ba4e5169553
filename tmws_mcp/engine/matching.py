"""Matching, with a short wait for what is still being learned of the patterns' examples.

A query that a trigger decides never waits. Any other one waits for a moment, since half a second
more is better than the wrong answer; after it, it is answered without the examples, and the answer
is not kept.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, get_args

import anyio.to_thread

from tmws_mcp.model import Match, Route
from tmws_mcp.places import cache_folder
from tmws_mcp.settings import Settings

if TYPE_CHECKING:
    from tmws_mcp.patterns.catalog import Catalog
    from tmws_mcp.patterns.matcher import Matcher

WAIT_SECONDS_MAX = 2.0
FOLDER = "matching"
"""In the folder of caches: what was learned, by the examples that it was learned of."""


def matcher_of(catalog: "Catalog", settings: Settings) -> "Matcher":
    """Return the matcher of a catalogue; its examples are learned from the first query on."""
    from tmws_mcp.patterns.matcher import Matcher  # noqa: PLC0415 - RE2: with the first query

    matcher = Matcher(catalog)
    if settings.embedder != "none":  # whoever wants no vectors wants none here either
        matcher.learn(cache_folder() / FOLDER)
    return matcher


async def matched(matcher: "Matcher", query: str, preferred: Iterable[str] = ()) -> Match:
    """Return what the query means; `preferred` are patterns that win where others are equal."""
    found = matcher.match(query, preferred)
    if found.final:
        return found
    await anyio.to_thread.run_sync(matcher.learned, WAIT_SECONDS_MAX, abandon_on_cancel=True)
    return matcher.match(query, preferred)


def leaning(match: Match) -> tuple[Route, float] | None:
    """Return the route of the pattern that a query leans to, where that one may not be run."""
    if match.leans is None:
        return None
    name, confidence = match.leans
    return next(route for route in get_args(Route) if name.startswith(f"{route}.")), confidence
