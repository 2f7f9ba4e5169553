"""Which regular expressions mean their pattern whenever they match, and which are only a sign.

An expression that takes an example of another pattern, or a text of the background, is broad:
what it says must agree with what was learned of the examples. One that matches nothing of the kind
is taken at its word, and costs no more than the match. Neither an author nor a reader has to say
which is which, and it changes with what stands beside it.
"""

from collections.abc import Callable, Mapping

from tmws_mcp.patterns.regexes import Hit, Regex

SIGN, COVERAGE_SIGN = 1.1, 1.2
"""What a match of a broad expression weighs, and what is added where it covers the whole query, in
natural logarithms of odds. Fitted to the open halves of the queries of `make bench-routing`."""


def is_broad(
    pattern: str,
    expression: Regex,
    known: Mapping[str, str | None],
    claimed: Callable[[str], str | None],
) -> bool:
    """Say whether a pattern's expression takes a text that means another pattern, or none.

    `claimed` says which pattern the triggers alone give a text to: where an expression of another
    pattern goes before this one, it takes nothing.
    """
    return any(
        means != pattern and expression.matches(text) and claimed(text) == pattern
        for text, means in known.items()
    )


def sign(query: str, hit: Hit) -> float:
    """Return what a match weighs as evidence for its pattern."""
    return SIGN + COVERAGE_SIGN * (hit.end - hit.start) / max(len(query), 1)
