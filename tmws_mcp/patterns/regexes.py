"""Regular expressions that a pattern file may hold: RE2, whose time is linear in the text.

The expressions come from files and from models, the texts from anywhere; with Python's `re` one of
them could stall the server for good. This module is the only home of `re2`, which is imported when
the first expression is compiled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tmws_mcp.errors import RegexesUnavailable

# Enough for 1,000 expressions in one set; RE2 allocates it only as it is needed.
SET_MEMORY_BYTES_MAX = 256 * 1024 * 1024
# A single expression may cost 8 MB in RE2's default, which 1,000 patterns could add up to 8 GB.
REGEX_MEMORY_BYTES_MAX = 1024 * 1024


class RegexRefused(ValueError):
    """RE2 does not take the expression; the message is RE2's reason."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Where an expression matched, and what its named groups caught."""

    start: int
    end: int
    groups: dict[str, str]


class Regex:
    """One compiled expression.

    Raises:
        RegexRefused: RE2 does not take it.
        RegexesUnavailable: There is no RE2 here.
    """

    def __init__(self, expression: str) -> None:
        re2 = _re2()
        self.expression = expression
        try:
            self._compiled = re2.compile(expression, _options(REGEX_MEMORY_BYTES_MAX))
        except (re2.error, UnicodeEncodeError) as error:
            raise RegexRefused(_reason(error)) from error

    @property
    def groups(self) -> frozenset[str]:
        """The names of its groups."""
        return frozenset(self._compiled.groupindex)

    def search(self, text: str) -> Hit | None:
        """Return the leftmost match; groups that caught nothing are left out."""
        match = self._compiled.search(text)
        if match is None:
            return None
        caught = {name: value.strip() for name, value in match.groupdict().items() if value}
        return Hit(match.start(), match.end(), {k: v for k, v in caught.items() if v})


class RegexSet:
    """Many expressions, asked in one pass over the text which of them match."""

    def __init__(self, expressions: Sequence[str]) -> None:
        self._set = _re2().Set.SearchSet(_options(SET_MEMORY_BYTES_MAX)) if expressions else None
        if self._set is not None:
            for expression in expressions:
                self._set.Add(expression)
            self._set.Compile()

    def search(self, text: str) -> list[int]:
        """Return the positions of the expressions that match the text."""
        return list(self._set.Match(text) or ()) if self._set is not None else []


@cache
def _re2() -> Any:
    try:
        import re2  # noqa: PLC0415 - not before `initialize` is answered
    except ImportError as error:
        raise RegexesUnavailable(str(error)) from error
    return re2


def _options(memory_bytes: int) -> Any:
    options = _re2().Options()
    options.log_errors = False  # RE2 would write them to stderr itself
    options.max_mem = memory_bytes
    return options


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
