"""Errors as what they have in common: a masked template, and a class.

A raw error names paths, ids and values, which are private and differ from time to time. What is
kept is the text with these masked, and the class it belongs to. Each mask is linear in the length
of the text. Changing a mask changes every template, so their version is part of each key.
"""

import re

MASKS_VERSION = "1"
ERROR_CHARS_MAX = 400
TEMPLATE_CHARS_MAX = 90

_MASKS = tuple(
    (re.compile(pattern), mask)
    for pattern, mask in (
        (r"\x1b\[[0-9;]*m", ""),  # terminal colours
        (r"(?i)\b[a-z][a-z0-9+.-]{1,15}://\S+", "<url>"),
        (r"\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+", "<address>"),
        (r"`[^`]{1,120}`|'[^'\n]{1,120}'|\"[^\"\n]{1,120}\"", "<q>"),
        (r"(?:[A-Za-z]:)?[\w.~*-]*(?:[/\\][\w.*-]+)+[/\\]?|(?<!\w)/[\w.*-]*", "<path>"),
        (r"(?i)\b0x[0-9a-f]+\b|\b(?=[a-f]*[0-9])[0-9a-f]{8,64}(?:-[0-9a-f]{4,12}){0,4}\b", "<id>"),
        (r"\b\d{4}-\d\d-\d\d(?:[T ][\d:.]+)?Z?\b|\b\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?\b", "<time>"),
        (r"[+-]?\d[\d,.:]*", "<n>"),
        (r"(?i)\b[a-z]{1,30}(?:_[a-z]{1,30})?_?<n>", "<id>"),
        (r"\s+", " "),
    )
)
_LAST_EXCEPTION = re.compile(r"(?m)^(\w*(?:Error|Exception)\w*:?.*)$")
_CLASSES = tuple(
    (name, re.compile("|".join(patterns), re.IGNORECASE))
    for name, patterns in {
        "not_found": (
            r"not found|no such|does ?n.t exist|not exist|cannot find|no module",
            r"unknown (?:column|table)|\b404\b",
        ),
        "syntax": (r"syntax|unexpected|parse|malformed|unterminated|expecting",),
        "permission": (
            r"permission|denied|forbidden|unauthori|security violation|not allowed",
            r"\b40[13]\b",
        ),
        "timeout": (r"timed? ?out|deadline",),
        "invalid": (
            r"invalid|must be|missing|required|argument|usage|validation|bad request",
            r"\b400\b|unrecognized",
        ),
        "exists": (r"already|duplicate|conflict|\b409\b",),
        "limit": (
            r"limit|too (?:long|many|large)|exceed|quota|balance|not enough",
            r"\b429\b",
        ),
        "type": (r"typeerror|valueerror|attributeerror|nameerror|keyerror",),
        "server": (r"\b50\d\b|internal|connection|network|unavailable",),
    }.items()
)
OTHER = "other"


def template(error: str) -> str:
    """Return the error's text with all that is particular masked.

    >>> template("FileNotFoundError: [Errno 2] No such file: '/home/ann/notes.txt'")
    'filenotfounderror: [errno <n>] no such file: <q>'
    """
    text = _telling_part(error)[:ERROR_CHARS_MAX]
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text.strip().lower()[:TEMPLATE_CHARS_MAX]


def error_class(error: str) -> str:
    """Return the class of the error, `other` where none fits."""
    text = _telling_part(error)[:ERROR_CHARS_MAX]
    return next((name for name, pattern in _CLASSES if pattern.search(text)), OTHER)


def _telling_part(error: str) -> str:
    """A Python traceback says what went wrong in its last line."""
    if "Traceback" not in error:
        return error
    found = _LAST_EXCEPTION.findall(error)
    return str(found[-1]) if found else error
