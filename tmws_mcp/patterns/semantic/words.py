"""A text without what does not count for matching."""

import unicodedata


def normalised(text: str) -> str:
    """Return the text without what does not count: case, punctuation, runs of white space.

    >>> normalised("  Git-Status?! ")
    'git status'
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    kept = (" " if unicodedata.category(char)[0] in "PZC" else char for char in folded)
    return " ".join("".join(kept).split())
