"""Shares of thousands of tools, of which a question looks at a few.

A particular case says something of a handful of tools, and leaves all others their part of what is
usual. So what is usual is ranked once, and a case keeps only what differs.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property


class Usual(dict[str, float]):
    """Shares that many cases are made of; not to be changed."""

    @cached_property
    def ranked(self) -> tuple[str, ...]:
        """The tools by their share, greatest first."""
        return tuple(sorted(self, key=self.__getitem__, reverse=True))


class Smoothed(Mapping[str, float]):
    """What is usual in one proportion, and what a case adds for some of the tools."""

    def __init__(self, usual: Usual, left: float, added: Mapping[str, float]) -> None:
        self._usual, self._left = usual, left
        self._own = {tool: left * usual.get(tool, 0.0) + share for tool, share in added.items()}

    def __getitem__(self, tool: str) -> float:
        own = self._own.get(tool)
        return self._left * self._usual[tool] if own is None else own

    def __contains__(self, tool: object) -> bool:
        return tool in self._usual or tool in self._own

    def __iter__(self) -> Iterator[str]:
        yield from self._usual
        yield from (tool for tool in self._own if tool not in self._usual)

    def __len__(self) -> int:
        return len(self._usual) + sum(tool not in self._usual for tool in self._own)

    def of(self, tools: Iterable[str]) -> dict[str, float]:
        """Return the shares of those of these tools that have one."""
        own, usual, left = self._own, self._usual, self._left
        return {
            tool: own[tool] if tool in own else left * usual[tool]
            for tool in tools
            if tool in own or tool in usual
        }

    def among_first(self, n: int) -> dict[str, float]:
        """Return the shares of some tools, among which are the `n` likeliest, ties included."""
        found, least, taken = dict(self._own), 0.0, 0
        for tool in self._usual.ranked:
            if tool not in self._own:
                share = self._left * self._usual[tool]
                if taken >= n and share < least:
                    break
                found[tool] = least = share
                taken += 1
        return found


def picked(shares: Mapping[str, float], tools: Iterable[str]) -> dict[str, float]:
    """Return the shares of those of these tools that have one, in their order."""
    if isinstance(shares, Smoothed):
        return shares.of(tools)
    return {tool: shares[tool] for tool in tools if tool in shares}


def likeliest(shares: Mapping[str, float], n: int) -> list[str]:
    """Return the tools with the greatest shares, those first; of all alike, the first by name."""
    if len(shares) <= n:
        return sorted(shares)
    some = shares.among_first(n) if isinstance(shares, Smoothed) else shares
    # Comparing bare numbers first, and only the few that are left with their names, takes a
    # quarter of the time of a heap.
    least = sorted(some.values(), reverse=True)[n - 1] if n else 1.0
    best = [tool for tool, share in some.items() if share >= least]
    return sorted(best, key=lambda tool: (-some[tool], tool))[:n]
