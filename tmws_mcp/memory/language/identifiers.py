"""Which words of a text are names that somebody may look up by the letter?

Tickets (TKT-00123), paths (src/app.py:42), hashes, error codes (E0308), versions (v1.2.3), symbols
in camelCase and snake_case, addresses, long numbers. Not: words with a hyphen, years, amounts and
times of day, which are said in passing and would put whatever mentions them first.
"""

import re

IDENTIFIER_CHARS_MAX = 200

# Few signs may lead: any number of them would take a run of dots the square of its length.
CHUNK = re.compile(r"[./~@#]{0,8}[^\W_][\w.\-/:#@\\+~]*|_[\w.]+")
EDGES = ".,:;-/#@+~\\"
PUNCTUATION = ".,:;!?()\"'"
OPERATOR = re.compile(r"[?!<>=&|+:@#$%^/\\~]{2,4}")  # standing alone: ??, =>, ::, &&
DIGIT = re.compile(r"\d")
LONG_NUMBER = re.compile(r"\d{5,}")
AMOUNT = re.compile(r"\d+(?:[.,:]\d+)*[^\W\d_]{0,2}")  # 20th, 3pm, 10k, 1.5, 12:30
CAMEL = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]")
NAME_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]+|[a-z]+|\d+")
LINE_NUMBER = re.compile(r":\d+(?::\d+)?$")
DOTTED = re.compile(r"[^\W\d_]{2,}\w*(?:\.[a-z]\w+)+", re.IGNORECASE)
DOTTED_NUMBER = re.compile(r"\d+(?:[.:-]\d+){2,}")


def identifiers(text: str) -> set[str]:
    """Return the identifiers in a text, in lower case, whole and by the parts that are some too.

    >>> sorted(identifiers("see TKT-00123 in src/app_main.py:42, well-known since 2023"))
    ['app_main.py', 'src/app_main.py', 'src/app_main.py:42', 'tkt-00123']
    """
    found: set[str] = set()
    # Nearly everything is a plain word: not worth the questions below.
    unusual = [part for part in text.split() if not _is_plain(part)]
    found.update(part for part in unusual if OPERATOR.fullmatch(part))
    for match in CHUNK.finditer(" ".join(unusual)):
        chunk = match.group()[:IDENTIFIER_CHARS_MAX].rstrip(EDGES)
        found.update(name.lower() for name in _forms(chunk) if is_identifier(name))
    return found


def _is_plain(part: str) -> bool:
    word = part.strip(PUNCTUATION)
    return word.isalpha() and word[1:].islower()


def without_codes(text: str) -> str:
    """Return the text without tickets, hashes, versions and the like.

    An embedder knows no such word: its pieces would only draw the vector away from what is said.

    >>> without_codes("TKT-00123: the port moved in v1.2.3")
    ' the port moved in'
    """
    return CHUNK.sub(_unless_code, text).rstrip() if DIGIT.search(text) else text


def _unless_code(match: re.Match[str]) -> str:
    chunk = LINE_NUMBER.sub("", match.group()[:IDENTIFIER_CHARS_MAX].rstrip(EDGES))
    is_code = any(c.isdigit() for c in chunk) and any(is_identifier(f) for f in _forms(chunk))
    return "" if is_code else match.group()


def _forms(chunk: str) -> set[str]:
    """Return a chunk of text, and what else it may be looked up as."""
    plain = chunk.lstrip("#@")
    unnumbered = LINE_NUMBER.sub("", plain)
    pieces = re.split(r"[/\\:@#]", unnumbered)
    return {plain, unnumbered, *(piece.strip(EDGES) for piece in pieces)}


def is_identifier(word: str) -> bool:
    """Tell whether a word is a name rather than language."""
    if len(word) < 3:  # noqa: PLR2004 - x2, v1: too short to mean one thing
        return False
    if DOTTED_NUMBER.fullmatch(word) or LONG_NUMBER.fullmatch(word):
        return True
    if AMOUNT.fullmatch(word):
        return False
    has_digit = any(c.isdigit() for c in word)
    has_letter = any(c.isalpha() for c in word)
    return (
        (has_digit and has_letter)
        or "_" in word.strip("_")
        or bool(CAMEL.search(word))
        or _is_path(word)
        or bool(DOTTED.fullmatch(word))
    )


def _is_path(word: str) -> bool:
    return word.startswith(("/", "./", "~/", "../")) or word.count("/") > 1 or "\\" in word


def name_parts(word: str) -> list[str]:
    """Return the parts of a camelCase name; nothing for other words.

    >>> name_parts("parseHTTPConfig2")
    ['parse', 'HTTP', 'Config', '2']
    """
    return NAME_PART.findall(word) if CAMEL.search(word) else []
