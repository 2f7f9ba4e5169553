"""Of a text that has no room as a whole, the sentences that matter for the query.

As recall does with a long memory: what the query asks for is found in the text, and the sentences
with the rarest of it are taken, as many as there is room for. Without a match the beginning is.
"""

from functools import cached_property

from tmws_mcp.memory.language.words import analysed
from tmws_mcp.memory.reply.passage import matches, passage

CHARS_MIN = 200
"""A shorter text is cut at its end: two halves of a sentence tell less than one."""
CHARS_MAX = 40_000
"""Of a longer text its beginning and its end are looked at: logs tell most there."""
GAP = "\n…\n"


class Extractor:
    """Shortens the texts of one reply; what it has found in a text it does not look for again."""

    def __init__(self, query: str = "") -> None:
        self._query = query
        self._known: dict[tuple[str, int], str] = {}
        self._places: dict[str, list[tuple[int, str]]] = {}

    def shortened(self, text: str, chars: int) -> str:
        """Return the text, or at most so many characters of it and how much more there is."""
        if len(text) <= chars:
            return text
        if (text, chars) not in self._known:
            self._known[text, chars] = self._made(text, chars)
        return self._known[text, chars]

    def _made(self, text: str, chars: int) -> str:
        looked_at = _edges(text)
        if chars >= CHARS_MIN and (places := self._matches(looked_at)):
            kept = passage(looked_at, places, chars)
            return f"{kept} (+{len(text) - len(kept)} characters)"
        return clipped(text, chars)

    def _matches(self, text: str) -> list[tuple[int, str]]:
        if text not in self._places:
            self._places[text] = matches(text, self._asked) if self._asked else []
        return self._places[text]

    @cached_property
    def _asked(self) -> frozenset[str]:
        return frozenset(analysed(self._query).stems) if self._query else frozenset()


def clipped(text: str, chars: int) -> str:
    """Return the text, or its beginning and how much more there is."""
    left = len(text) - chars
    return text if left <= 0 else f"{text[:chars].rstrip()}… (+{left} characters)"


def _edges(text: str) -> str:
    if len(text) <= CHARS_MAX:
        return text
    half = CHARS_MAX // 2
    return f"{text[:half]}{GAP}{text[-half:]}"
