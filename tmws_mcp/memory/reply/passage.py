"""The part of a long memory that matters: the sentences with most of what was asked for.

A word that stands in every other sentence does not tell which of them answers; one that stands in
a single one does. So a sentence is worth the rarity, within this text, of the words that it has,
and something of what its neighbours have: an answer often follows the words of the question. The
best are taken one by one, those beside them with preference, most of all in the same line: lines
are what a text itself keeps together. Where the best stand apart, the passage has several pieces.

Measured on chunks of ten turns of long dialogues, by the share of the turns with the answer that
stand whole in 400 and in 800 characters: .60 and .88, against .44 and .73 for the one window with
most different words.
"""

import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import log

from tmws_mcp.memory.language.words import folded, places

ELLIPSIS = "…"
GAP = f" {ELLIPSIS} "
LEAD_SHARE = 0.25
"""How much of a clipped sentence stands before its first match: enough to read it in its place."""
SENTENCE_CHARS_MAX = 300
"""A longer one is divided at a space: tables and code know no sentences."""
SENTENCE_CHARS_MIN = 12
"""A shorter one (a number of a list, "Dr.", "e.g.") belongs to what follows in its line."""
SENTENCES_TAKEN_MAX = 40

BEFORE_SHARE, AFTER_SHARE = 0.6, 0.3
"""Of the worth of the sentences before and after, for standing beside them."""
REPEATED_SHARE = 0.5
"""What a word counts that a sentence taken before has too."""
JOINED_BONUS = 0.15
"""In the rarest word's worth, for standing beside a sentence that is taken."""
SAME_LINE = 4.0
AFTER_TAKEN = 1.5

BOUNDARY = re.compile(r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])|\s*\n\s*")


@dataclass(frozen=True, slots=True)
class Sentence:
    """Where a sentence stands, and which of the words asked for it has."""

    begin: int
    end: int
    words: AbstractSet[str]

    @property
    def length(self) -> int:
        """Return its characters."""
        return self.end - self.begin


def passage(content: str, matches: Sequence[tuple[int, str]], chars_max: int) -> str:
    """Return at most `chars_max` characters around the matches; without any, the beginning."""
    if len(content) <= chars_max:
        return content
    room = max(chars_max - 2 * len(ELLIPSIS), 1)
    sentences = _with_words(list(_spans(content)), matches)
    rarity = _rarity(sentences)
    worth = _beside(_worth(sentences, rarity, frozenset()))
    best = max(range(len(sentences)), key=lambda i: (worth[i], -i))
    if sentences[best].length > room:
        return _clipped(content, sentences[best], matches, room)
    taken = _taken(content, sentences, rarity, best, room)
    return _joined(content, [sentences[i] for i in sorted(taken)])


def matches(content: str, asked: Container[str]) -> list[tuple[int, str]]:
    """Return where the words stand whose stems were asked for, and these stems."""
    # Compatibility forms may change lengths; places are only right where they do not.
    text = folded(content)
    text = text if len(text) == len(content) else content
    return places(text, asked)


def _spans(content: str) -> Iterator[tuple[int, int]]:
    """Yield where sentences begin and end, the white space between them left out."""
    begin = len(content) - len(content.lstrip())
    size = len(content.rstrip())
    for found in BOUNDARY.finditer(content, begin, size):
        if found.start() - begin < SENTENCE_CHARS_MIN and "\n" not in found.group():
            continue
        yield from _divided(content, begin, found.start())
        begin = found.end()
    yield from _divided(content, begin, max(size, begin + 1))


def _divided(content: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    while end - begin > SENTENCE_CHARS_MAX:
        space = content.rfind(" ", begin + SENTENCE_CHARS_MAX // 2, begin + SENTENCE_CHARS_MAX)
        cut = space if space > begin else begin + SENTENCE_CHARS_MAX
        yield begin, cut
        begin = cut + (space > begin)
    if begin < end:
        yield begin, end


def _with_words(
    spans: Sequence[tuple[int, int]], matches: Sequence[tuple[int, str]]
) -> list[Sentence]:
    found: list[set[str]] = [set() for _ in spans]
    at = 0
    for place, word in matches:
        while at < len(spans) - 1 and place >= spans[at][1]:
            at += 1
        found[at].add(word)
    return [Sentence(*span, words) for span, words in zip(spans, found, strict=True)]


def _rarity(sentences: Sequence[Sentence]) -> dict[str, float]:
    holders = Counter(word for sentence in sentences for word in sentence.words)
    return {word: log(1 + len(sentences) / count) for word, count in holders.items()}


def _worth(
    sentences: Sequence[Sentence], rarity: Mapping[str, float], said: AbstractSet[str]
) -> list[float]:
    """Return what each sentence has by itself."""
    return [
        sum(rarity[word] * (REPEATED_SHARE if word in said else 1.0) for word in one.words)
        for one in sentences
    ]


def _beside(worth: Sequence[float]) -> list[float]:
    """Return the worths with a share of what stands before and after."""
    before, after = [0.0, *worth[:-1]], [*worth[1:], 0.0]
    return [
        own + BEFORE_SHARE * one + AFTER_SHARE * other
        for own, one, other in zip(worth, before, after, strict=True)
    ]


def _taken(
    content: str, sentences: Sequence[Sentence], rarity: Mapping[str, float], first: int, room: int
) -> set[int]:
    """Return the sentences that are shown: the first, and what is best beside it."""
    bonus = JOINED_BONUS * max(rarity.values(), default=1.0)
    taken: set[int] = set()
    said: set[str] = set()
    best: int | None = first
    while best is not None and len(taken) < SENTENCES_TAKEN_MAX:
        taken.add(best)
        said |= sentences[best].words
        room -= sentences[best].length + len(GAP)
        worth = _beside(_worth(sentences, rarity, said))
        for one in taken:
            for beside in {max(one - 1, 0), min(one + 1, len(sentences) - 1)} - taken:
                worth[beside] += bonus * _bond(content, sentences, one, beside)
        open_to = (i for i, one in enumerate(sentences) if worth[i] > 0 and one.length <= room)
        best = max(set(open_to) - taken, key=lambda i: (worth[i], -i), default=None)
    return taken


def _bond(content: str, sentences: Sequence[Sentence], one: int, beside: int) -> float:
    """Return how close a sentence stands to one that is taken."""
    between = content[sentences[min(one, beside)].end : sentences[max(one, beside)].begin]
    line = SAME_LINE if "\n" not in between else 1.0
    return line * (AFTER_TAKEN if beside > one else 1.0)


def _joined(content: str, sentences: Sequence[Sentence]) -> str:
    """Return the sentences with what stands between them, or a sign that something does."""
    text = ELLIPSIS if content[: sentences[0].begin].strip() else ""
    end = sentences[0].begin
    for one in sentences:
        between = content[end : one.begin]
        text += (GAP if between.strip() else between) + content[one.begin : one.end]
        end = one.end
    return text + (ELLIPSIS if content[end:].strip() else "")


def _clipped(
    content: str, sentence: Sentence, matches: Sequence[tuple[int, str]], room: int
) -> str:
    """Return the part of a sentence that has no room as a whole, from before its first match."""
    first = next((at for at, _ in matches if sentence.begin <= at < sentence.end), sentence.begin)
    begin = min(first - int(room * LEAD_SHARE), sentence.end - room)
    begin, end = _at_words(content, max(begin, sentence.begin), room)
    head = ELLIPSIS if content[:begin].strip() else ""
    tail = ELLIPSIS if content[end:].strip() else ""
    return f"{head}{content[begin:end].strip()}{tail}"


def _at_words(content: str, begin: int, room: int) -> tuple[int, int]:
    """Move both ends inward to a space, where one is near."""
    end = min(begin + room, len(content))
    if begin and (space := re.search(r"\s", content[begin : begin + 20])):
        begin += space.end()
    if end < len(content) and (cut := content.rfind(" ", end - 20, end)) > begin:
        end = cut
    return begin, end
