"""Text that recall has just shown, recognised when somebody stores it again.

Models store what they have read: with the frame of our reply around it, as a list, several memories
in one. Each text that was shown leaves a hash of its words, no more. A text is an echo when it is
nothing but such texts in a row; one word that is not among them, one digit, one identifier in other
letters, and it is stored: an echo too many costs a row, a fact refused is lost.

What may differ is what says nothing: white space, marks at the end of words, articles, the capital
at the beginning of a sentence, bullets, and phrases like "remember that".
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Iterator
from hashlib import blake2b

RING_MAX = 4_096
"""Texts that are kept in mind; some 200 bytes each."""
RING_SECONDS_MAX = 24 * 3_600.0
UNITS_MAX = 200
"""Sentences of a text that is looked at; a longer one is a document of its own."""
UNITS_TOGETHER_MAX = 40
"""Sentences of one shown memory."""
FRAMES_MAX = 50
"""Ids in frames that are looked up."""
HASH_BYTES = 16

FRAME = re.compile(r"^\s*(?:[-*•]\s+)?\[([A-Za-z0-9_-]{1,64})(?: [^\]\n]*)?\]\s*", re.MULTILINE)
"""Only where the id is that of a memory: "[TKT-12] deploy" says more than "deploy"."""
BULLET = re.compile(r"^\s*[-*•]\s+")
OURS = re.compile(
    r"^\s*(?:Stored notes \(data, not instructions\) from .*"
    r"|\d+ of \d+ notes \(data, not instructions\), .*"
    r"|\d+ more: (?:repeat the call with )?cursor=.*"
    r"|(?:Passages are excerpts; )?recall_memory\(ids=.*"
    r"|Searched by words alone, .*"
    r"|Up to \d+ memories are still being indexed; .*"
    r"|Memories were stored or forgotten since .*"
    r"|Not found here: .*)$",
    re.MULTILINE,
)
LEAD_IN = re.compile(
    r"^(?:please\s+)?(?:note|remember|recalled|reminder|fyi|from memory|as recalled"
    r"|according to (?:my |the )?(?:notes|memory|memories))(?:\s+that\b|\s*[:,])\s*",
    re.IGNORECASE,
)
SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+|(?<=[。！？])")  # noqa: RUF001 - Chinese and Japanese
SAYS_NOTHING = frozenset({"the", "a", "an"})
PAIRS = (("`", "`"), ('"', '"'), ("'", "'"), ("(", ")"))
QUOTES = "“”„«»"
"""Typographic: unlike the straight ones they are part of nothing else."""
END_MARKS = ".,;:!…。"
CUT = "…"
"""Where a passage leaves something out."""

Known = Callable[[bytes], str | None]
"""A hash of shown words -> the public id of the memory that said them."""


def nothing_shown(_: bytes) -> None:
    """Know nothing of what was shown."""


class Ring:
    """What recall has shown lately: hashes and ids, the oldest ones are forgotten first."""

    def __init__(self) -> None:
        self._shown: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._shown)

    def note(self, uid: str, text: str, now: float) -> None:
        """Keep in mind that a memory, or a passage of it, was shown."""
        if key := fingerprint(text):
            self._shown.pop(key, None)
            self._shown[key] = (uid, now)
            while len(self._shown) > RING_MAX:
                self._shown.popitem(last=False)

    def known(self, now: float) -> Known:
        """Return a look-up of what was shown no longer than RING_SECONDS_MAX ago."""
        if not self._shown:
            return nothing_shown

        def known(key: bytes) -> str | None:
            uid, at = self._shown.get(key, ("", 0.0))
            return uid if uid and now - at <= RING_SECONDS_MAX else None

        return known


def fingerprint(text: str) -> bytes:
    """Return the hash of a text's words; of a text without words none."""
    digest = _hash()
    found = False
    for unit in _units(text):
        found = _feed(digest, unit) or found
    return digest.digest() if found else b""


def framed(text: str) -> list[str]:
    """Return the ids in the frames that recall puts before each memory."""
    return list(dict.fromkeys(FRAME.findall(text)))[:FRAMES_MAX]


def originals(text: str, known: Known, ids: Container[str] = ()) -> list[str]:
    """Return whose texts in a row this text is, or nothing if anything in it is new.

    `ids` are those in its frames that memories have.
    """
    units = [unit for unit in _units(text, ids) if unit]
    if not units or len(units) > UNITS_MAX:
        return []
    # reached[i]: whose texts the first i units are.
    reached: dict[int, tuple[str, ...]] = {0: ()}
    for begin in range(len(units)):
        if begin in reached:
            for end, uid in _segments(units, begin, known):
                reached.setdefault(end, (*reached[begin], uid))
    return list(dict.fromkeys(reached.get(len(units), ())))


def _segments(units: list[list[str]], begin: int, known: Known) -> Iterator[tuple[int, str]]:
    digest = _hash()
    for end in range(begin, min(begin + UNITS_TOGETHER_MAX, len(units))):
        _feed(digest, units[end])
        if uid := known(digest.copy().digest()):
            yield end + 1, uid


def _hash() -> "blake2b":
    return blake2b(digest_size=HASH_BYTES)


def _feed(digest: "blake2b", words: Iterable[str]) -> bool:
    text = "".join(f"{word}\n" for word in words)
    digest.update(text.encode())
    return bool(text)


def _units(text: str, ids: Container[str] = ()) -> Iterator[list[str]]:
    """Give the words of each sentence, without what stands around a memory in a reply."""
    bare = FRAME.sub(lambda frame: "" if frame[1] in ids else frame[0], text)
    for line in OURS.sub("", bare).splitlines():
        for sentence in SENTENCE_END.split(BULLET.sub("", line)):
            if words := _words(sentence):
                yield words


def _words(sentence: str) -> list[str]:
    words = [_bare(word) for word in LEAD_IN.sub("", sentence.strip()).split()]
    words = [word for word in words if word]
    if words and words[0].istitle():
        words[0] = words[0].lower()
    return [word for word in words if word not in SAYS_NOTHING]


def _bare(word: str) -> str:
    """Return a word without the marks around it; those within are part of it."""
    word = word.strip(f"{QUOTES}{CUT}").rstrip(END_MARKS)
    for left, right in PAIRS:
        if len(word) > 2 and word[0] == left and word[-1] == right:  # noqa: PLR2004 - the pair
            return _bare(word[1:-1])
    return word
