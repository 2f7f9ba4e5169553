"""The part of a long memory that matters: the window of text with most of what was asked for."""

import re
from collections.abc import Container, Sequence

from tmws_mcp.memory.words import folded, places

ELLIPSIS = "…"
LEAD_SHARE = 0.25
"""How much of the window stands before its first match: enough to read it in its sentence."""


def passage(content: str, matches: Sequence[tuple[int, str]], chars_max: int) -> str:
    """Return at most `chars_max` characters around the matches; without any, the beginning."""
    if len(content) <= chars_max:
        return content
    room = max(chars_max - 2 * len(ELLIPSIS), 1)
    begin = _best_begin(matches, room, len(content))
    begin, end = _at_words(content, begin, min(begin + room, len(content)))
    head = ELLIPSIS if begin else ""
    tail = ELLIPSIS if end < len(content) else ""
    return f"{head}{content[begin:end].strip()}{tail}"


def matches(content: str, asked: Container[str]) -> list[tuple[int, str]]:
    """Return where the words stand whose stems were asked for, and these stems."""
    # Compatibility forms may change lengths; places are only right where they do not.
    text = folded(content)
    text = text if len(text) == len(content) else content
    return places(text, asked)


def _best_begin(matches: Sequence[tuple[int, str]], room: int, size: int) -> int:
    """Return where the window begins that holds most different words, then most words."""
    best, best_begin, first = (0, 0), 0, 0
    held: dict[str, int] = {}
    for place, word in matches:
        held[word] = held.get(word, 0) + 1
        while place - matches[first][0] > room * (1 - LEAD_SHARE):
            gone = matches[first][1]
            held[gone] -= 1
            if not held[gone]:
                del held[gone]
            first += 1
        value = (len(held), sum(held.values()))
        if value > best:
            best, best_begin = value, matches[first][0] - int(room * LEAD_SHARE)
    return max(0, min(best_begin, size - room))


def _at_words(content: str, begin: int, end: int) -> tuple[int, int]:
    """Move both ends inward to a space, where one is near."""
    if begin and (space := re.search(r"\s", content[begin : begin + 20])):
        begin += space.end()
    if end < len(content) and (cut := content.rfind(" ", end - 20, end)) > begin:
        end = cut
    return begin, end
