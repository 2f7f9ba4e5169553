"""What a text is compared by: its words, and the fingerprint of what is said the same way."""

import hashlib
import re
from collections import Counter

WORDS_MAX = 200
WORD_CHARS_MAX = 40
STEM_CHARS_MIN = 3
_ENDINGS = ("ing", "ies", "ed", "es", "s")
_CAMEL = re.compile(r"([a-z])([A-Z])")
_WORD = re.compile(r"[^\W_]+")
# Words that stand in every task: they cost postings and tell nothing.
_STOP = re.compile(
    r"(?:a|an|the|of|to|in|on|for|and|or|is|are|be|i|you|my|your|it|with|that|this|from|as|at|by|me"
    r"|we|can|could|would|please|have|has|do|does|not|if|so|any|all|also|was|will|want|need)"
).fullmatch


def words(text: str) -> Counter[str]:
    """Return the telling words of a text and how often each stands in it.

    >>> sorted(words("Fix the failingTest in parse_url"))
    ['failing', 'fix', 'parse', 'test', 'url']
    """
    found = _WORD.findall(_CAMEL.sub(r"\1 \2", text).lower())
    telling = (word for word in found if len(word) > 1 and not _STOP(word))
    return Counter(
        word[:WORD_CHARS_MAX] for word, _ in zip(telling, range(WORDS_MAX), strict=False)
    )


def stems(text: str) -> Counter[str]:
    """Return the words of a text without their commonest endings.

    >>> sorted(stems("searching two cities"))
    ['cit', 'search', 'two']
    """
    found: Counter[str] = Counter()
    for word, n in words(text).items():
        found[_stem(word)] += n
    return found


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= STEM_CHARS_MIN:
            return word[: -len(ending)]
    return word


def fingerprint(*parts: str) -> str:
    """Return 16 hex digits that stand for these parts in this order."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        data = part.encode()
        # The length goes first, so that ("ab", "c") and ("a", "bc") differ.
        digest.update(len(data).to_bytes(4, "big") + data)
    return digest.hexdigest()


def task_key(text: str) -> str:
    """Return the fingerprint of a task: letter case and spacing make no difference."""
    return fingerprint("task", " ".join(text.lower().split())) if text.strip() else ""
