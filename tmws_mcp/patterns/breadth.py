"""Which regular expressions mean their pattern whenever they match, and which are only a sign.

An expression that matches an example of another pattern, or a text of the background, is broad:
what it says must agree with what was learned of the examples. One that matches nothing of the kind
is taken at its word, and costs no more than the match. Neither an author nor a reader has to say
which is which, and it changes with what stands beside it.
"""

from collections.abc import Mapping

from tmws_mcp.patterns.regexes import Hit, Regex

SIGN, COVERAGE_SIGN = 1.1, 1.2
"""What a match of a broad expression weighs, and what is added where it covers the whole query, in
natural logarithms of odds. Fitted to the open halves of the queries of `make bench-routing`."""


def is_broad(pattern: str, expression: Regex, known: Mapping[str, str | None]) -> bool:
    """Say whether a pattern's expression matches a text that means another pattern, or none."""
    return any(owner != pattern and expression.matches(text) for text, owner in known.items())


def sign(query: str, hit: Hit) -> float:
    """Return what a match weighs as evidence for its pattern."""
    return SIGN + COVERAGE_SIGN * (hit.end - hit.start) / max(len(query), 1)
