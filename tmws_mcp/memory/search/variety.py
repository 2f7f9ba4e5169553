"""A question for several things finds them in several conversations.

"Which books has she read?" is answered by one line here and another one months later, while the
rest of the best conversation repeats what its best line has said. So for such questions each
further memory from a thread that is already among the results costs a little: the novelty part of
maximal marginal relevance (Carbonell and Goldstein, 1998), by thread instead of by likeness, which
gained nothing. For a question that has one answer it would only cost.

Imports numpy: only functions import this module.
"""

import re

import numpy as np

from tmws_mcp.memory.search.pool import NOBODY, Floats, Ints

COST = 0.15
"""Of each earlier one of its thread: less than half of what naming the speaker adds. With less,
questions with several answers gain less; with more, those with one answer lose."""
HEAD = 60
"""The places that are arranged anew."""
LOOKED_AHEAD = 25

# A plural where the question says what it wants: "which books", "what are her plans", "both".
_SEVERAL = re.compile(
    r"^\W*(in )?(what|which|how many)\b(\W+\w+){0,3}?"
    r"\W+(?!(is|was|does|has|this|his)\b)\w*[^\Ws]s\b"
    r"|^\W*(where|who|what) (has|have)\b|^\W*what are\b|^\W*how many\b"
    r"|\b(both|in common|share)\b",
    re.IGNORECASE,
)


def asks_for_several(query: str) -> bool:
    """Return whether a query is likely to have several answers.

    >>> asks_for_several("What books has Ann read?"), asks_for_several("What is her dog's name?")
    (True, False)
    """
    return _SEVERAL.search(query) is not None


def varied(order: Ints, sums: Floats, threads: Ints) -> Ints:
    """Return an order in which memories of one thread make way for those of others."""
    left, taken = order[:HEAD].tolist(), list[int]()
    times: dict[int, int] = {}
    while left:
        row = max(left[:LOOKED_AHEAD], key=lambda one: _worth(one, sums, threads, times))
        left.remove(row)
        taken.append(row)
        times[int(threads[row])] = times.get(int(threads[row]), 0) + 1
    return np.concatenate([np.array(taken, np.int64), order[HEAD:]])


def _worth(row: int, sums: Floats, threads: Ints, times: dict[int, int]) -> float:
    own = int(threads[row])
    return float(sums[row]) - COST * (times.get(own, 0) if own != NOBODY else 0)
