"""Cutting what the steps found to a token budget.

Long texts are shortened first and lists after that, since half of five answers is worth more than
two whole ones; at every stage as many items are kept as fit. What was left out is counted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pydantic import JsonValue

from tmws_mcp.model import JsonObject
from tmws_mcp.patterns.extract import Extractor, clipped
from tmws_mcp.patterns.notes import common_year
from tmws_mcp.patterns.outline import results_text, step_text
from tmws_mcp.tokens import estimate_tokens

ITEMS_MAX = 200
CLIPPED_CHARS_MAX = 8
"""Characters for each token of the room: hardly a text has more."""
# Stages of shortening: the texts' length, and how many items must remain for it to be enough.
STAGES = ((4_000, 5), (1_000, 5), (400, 3), (200, 2), (100, 1))


AsText = Callable[[str, JsonValue], str]
"""How a step is shown, by its name and what it found."""


@dataclass(frozen=True, slots=True)
class Shaped:
    """Results that fit, and how many items of lists they lack."""

    results: JsonObject
    omitted: int
    shortened: int
    """Texts that lack their ends."""
    tokens_found: int
    """Tokens of the text of all that was found."""


def shape(results: JsonObject, tokens: int, query: str = "") -> Shaped:
    """Return the results cut to a text of at most so many tokens.

    Of long texts, what stays is what matters for the query.
    """
    texts = Extractor(query)
    found = estimate_tokens(results_text(results))
    if found <= tokens:
        return Shaped(results, 0, 0, found)
    shaped: JsonObject = {}
    omitted = 0
    as_text = partial(_as_text, common_year(results))
    for name, room in _rooms(results, tokens, as_text).items():
        shaped[name], left_out = _shaped(name, results[name], room, texts, as_text)
        omitted += left_out
    return Shaped(shaped, omitted, _shortened(results, shaped), found)


def _as_text(year: str, name: str, value: JsonValue) -> str:
    return step_text(name, value, year)


def _rooms(results: JsonObject, tokens: int, as_text: AsText) -> dict[str, int]:
    """Share the tokens out: what needs less than its share leaves the rest to the others."""
    sizes = {name: estimate_tokens(as_text(name, value)) for name, value in results.items()}
    rooms: dict[str, int] = {}
    left = tokens
    for name in sorted(sizes, key=lambda name: sizes[name]):
        rooms[name] = min(sizes[name], left // (len(sizes) - len(rooms)))
        left -= rooms[name]
    return {name: rooms[name] for name in results}


def _shaped(
    name: str, value: JsonValue, room: int, texts: Extractor, as_text: AsText
) -> tuple[JsonValue, int]:
    """Return the value cut to the room, and how many items of its lists it lacks."""
    longest = min(_longest(value), ITEMS_MAX)
    for chars, enough in STAGES:
        items = _most(longest, partial(_fits, partial(as_text, name), value, chars, room, texts))
        if items is not None and items >= min(enough, longest):
            return _cut(value, chars, items, texts)
    text = as_text("", value)
    limit = min(len(text), room * CLIPPED_CHARS_MAX)
    kept = _most(limit, lambda n: estimate_tokens(as_text(name, clipped(text, n))) <= room)
    if isinstance(value, str) and kept:
        whole = texts.shortened(value, kept)
        if estimate_tokens(as_text(name, whole)) <= room:
            return whole, 0
    return clipped(text, kept or 0), 0


def _fits(
    as_text: Callable[[JsonValue], str],
    value: JsonValue,
    chars: int,
    room: int,
    texts: Extractor,
    items: int,
) -> bool:
    return estimate_tokens(as_text(_cut(value, chars, items, texts)[0])) <= room


def _most(limit: int, fits: Callable[[int], bool]) -> int | None:
    """Return the largest number up to the limit that fits; None where not even 0 does."""
    low, high = -1, limit
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low if low >= 0 else None


def _longest(value: JsonValue) -> int:
    if isinstance(value, list):
        return max(len(value), *(_longest(item) for item in value), 0)
    if isinstance(value, dict):
        return max((_longest(item) for item in value.values()), default=0)
    return 0


def _cut(value: JsonValue, chars: int, items: int, texts: Extractor) -> tuple[JsonValue, int]:
    """Return the value with shorter texts and lists, and the number of items left out."""
    if isinstance(value, str):
        return texts.shortened(value, chars), 0
    if isinstance(value, list):
        kept = [_cut(item, chars, items, texts) for item in value[:items]]
        return [item for item, _ in kept], len(value) - len(kept) + sum(n for _, n in kept)
    if isinstance(value, dict):
        shorter = {key: _cut(item, chars, items, texts) for key, item in value.items()}
        return {key: item for key, (item, _) in shorter.items()}, sum(
            n for _, n in shorter.values()
        )
    return value, 0


def _shortened(found: JsonValue, shown: JsonValue) -> int:
    """Count the texts that are shown otherwise than they were found."""
    if isinstance(found, dict) and isinstance(shown, dict):
        return sum(_shortened(found[key], value) for key, value in shown.items())
    if isinstance(found, list) and isinstance(shown, list):
        return sum(_shortened(was, now) for was, now in zip(found, shown, strict=False))
    return int(found != shown)
