"""Sequences of tools, as they are compared and shown: without failures and repetitions."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from tmws_mcp.learning.words import fingerprint

STEPS_MIN = 2
STEPS_MAX = 60


def worked(steps: Iterable[tuple[str, bool]]) -> tuple[str, ...]:
    """Return the tools that worked, each row of repetitions as one.

    >>> worked([("edit", True), ("test", False), ("edit", True), ("test", True)])
    ('edit', 'test')
    """
    return collapsed(tool for tool, ok in steps if ok)


def collapsed(tools: Iterable[str]) -> tuple[str, ...]:
    """Return the tools, each row of repetitions as one."""
    return tuple(tool for tool, _ in groupby(tools))[:STEPS_MAX]


def key(tools: Sequence[str]) -> str:
    """Return the fingerprint of a sequence."""
    return fingerprint("sequence", *tools)


def likeness(one: Sequence[str], other: Sequence[str]) -> float:
    """Return how much two sequences have in common: F1 of their longest common subsequence."""
    if not one or not other:
        return 0.0
    return 2 * _common(one, other) / (len(one) + len(other))


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence, bit-parallel (Hyyrö, 2004)."""
    places: dict[str, int] = {}
    for number, tool in enumerate(one):
        places[tool] = places.get(tool, 0) | 1 << number
    mask = row = (1 << len(one)) - 1
    for tool in other:
        matches = row & places.get(tool, 0)
        row = ((row + matches) | (row - matches)) & mask
    return len(one) - row.bit_count()
