"""Which server the next tool belongs to: tools of one server have a common beginning."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from tmws_mcp.learning.case import Case
from tmws_mcp.learning.discounting import interpolate
from tmws_mcp.learning.odds import strength
from tmws_mcp.learning.view import View
from tmws_mcp.learning.words import fingerprint

KIND = "family"
LAST_MAX = 2
SEPARATORS = ("-", ":", "/", "__", ".")


@lru_cache(maxsize=4_096)
def family(tool: str) -> str:
    """Return the part of a tool's name that it shares with others of its server.

    >>> family("github-create_issue"), family("search_direct_flight")
    ('github', 'search')
    """
    for separator in SEPARATORS:
        if separator in tool:
            return tool.split(separator, 1)[0]
    return tool.split("_", 1)[0]


def contexts(case: Case) -> tuple[str, ...]:
    """Return the keys of the last families, from none of them to LAST_MAX."""
    last = [family(step.tool) for step in reversed(case.steps[-LAST_MAX:])]
    return tuple(fingerprint(*last[:n]) for n in range(len(last) + 1))


def counted(case: Case, tool: str) -> Iterator[tuple[str, str, str]]:
    """Count the tool's family under each of them."""
    return ((KIND, key, family(tool)) for key in contexts(case))


def judge(view: View, case: Case, tools: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
    """Judge each tool by the share of its family."""
    if not case.steps:
        return {}
    shares, _ = interpolate(view.followers(KIND, contexts(case)))
    values = {name: strength(share) for name, share in shares.items()}
    return {"family": {tool: values[name] for tool in tools if (name := family(tool)) in values}}
