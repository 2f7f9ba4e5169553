"""Regular expressions that a pattern file may hold: RE2, whose time is linear in the text.

The expressions come from files and from models, the texts from anywhere; with Python's `re` one of
them could stall the server for good. This module is the only home of `re2`, which is imported when
the first expression is compiled.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tmws_mcp.errors import RegexesUnavailable

# A single expression may cost 8 MB by RE2's default, which 1,000 patterns could add up to 8 GB.
REGEX_MEMORY_BYTES_MAX = 1024 * 1024
# One automaton for 2,000 expressions has so many states that it is made anew all the time: 21 sets
# of 100 took .13 ms at the median, where one set took .30 ms and far more memory.
SET_EXPRESSIONS_MAX = 100
SET_MEMORY_BYTES_MAX = 16 * 1024 * 1024
# RE2 gives a third of that memory to the automaton, which needs room for 20 states of up to 8 bytes
# for each instruction. Where it finds less it reports no match at all, and no error.
SET_PROGRAM_MAX = SET_MEMORY_BYTES_MAX // 3 // 20 // 16


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
    def size(self) -> int:
        """The number of instructions that it was compiled to."""
        return int(self._compiled.programsize)

    @property
    def groups(self) -> frozenset[str]:
        """The names of its groups."""
        return frozenset(self._compiled.groupindex)

    def matches(self, text: str) -> bool:
        """Say whether it matches anywhere."""
        return self._compiled.search(text) is not None

    def search(self, text: str) -> Hit | None:
        """Return the leftmost match; groups that caught nothing are left out."""
        match = self._compiled.search(text)
        if match is None:
            return None
        caught = {name: value.strip() for name, value in match.groupdict().items() if value}
        return Hit(match.start(), match.end(), {k: v for k, v in caught.items() if v})


class RegexSet:
    """Many expressions, asked together which of them match a text."""

    def __init__(self, regexes: Sequence[Regex]) -> None:
        self._regexes = regexes
        self._alone = [n for n, regex in enumerate(regexes) if regex.size > SET_PROGRAM_MAX]
        self._sets = [(numbers, _set(regexes, numbers)) for numbers in _grouped(regexes)]

    def search(self, text: str) -> list[int]:
        """Return the positions of the expressions that match the text, in their order."""
        found = [n for n in self._alone if self._regexes[n].search(text)]
        for numbers, expressions in self._sets:
            found += [numbers[place] for place in expressions.Match(text) or ()]
        return sorted(found)


def _grouped(regexes: Sequence[Regex]) -> Iterator[list[int]]:
    """Give the positions of expressions that are small enough together for one set."""
    group: list[int] = []
    size = 0
    for number, regex in enumerate(regexes):
        if regex.size > SET_PROGRAM_MAX:
            continue
        if len(group) == SET_EXPRESSIONS_MAX or size + regex.size > SET_PROGRAM_MAX:
            yield group
            group, size = [], 0
        group.append(number)
        size += regex.size
    if group:
        yield group


def _set(regexes: Sequence[Regex], numbers: Sequence[int]) -> Any:
    expressions = _re2().Set.SearchSet(_options(SET_MEMORY_BYTES_MAX))
    for number in numbers:
        expressions.Add(regexes[number].expression)
    expressions.Compile()
    return expressions


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
