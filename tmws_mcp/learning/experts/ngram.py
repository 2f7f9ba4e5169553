"""What followed the last steps in earlier sessions: an n-gram that backs off to shorter ones."""

from collections.abc import Iterator, Mapping

from tmws_mcp.learning.case import SILENT, Case, Forecast
from tmws_mcp.learning.discounting import Shares, interpolate
from tmws_mcp.learning.shares import Usual
from tmws_mcp.learning.view import View
from tmws_mcp.learning.words import fingerprint

ORDER_MAX = 4
KIND = "ngram"


def contexts(case: Case) -> tuple[str, ...]:
    """Return the keys of the case's last steps, from none of them to ORDER_MAX."""
    symbols = case.symbols
    longest = min(ORDER_MAX, len(symbols))
    return tuple(fingerprint(*symbols[len(symbols) - order :]) for order in range(longest + 1))


def counted(case: Case, tool: str) -> Iterator[tuple[str, str, str]]:
    """Count the tool under each of them."""
    return ((KIND, key, tool) for key in contexts(case))


def foresee(view: View, case: Case) -> Forecast:
    """Expect what followed the longest known suffix, smoothed by what followed shorter ones."""
    general = usual(view)
    if not general[1]:
        return SILENT
    keys = contexts(case)[1:]
    shares, reached = view.recent((KIND, keys), lambda: _interpolated(view, keys, general))
    return Forecast(shares, reached - 1)


def _interpolated(view: View, keys: tuple[str, ...], general: Shares) -> Shares:
    return interpolate(view.followers(KIND, keys), general)


def usual(view: View) -> Shares:
    """Return the shares of the tools whatever came before."""
    return view.kept("usual", lambda: _usual(totals(view)))


def _usual(totals: Mapping[str, int]) -> Shares:
    shares, reached = interpolate([totals])
    return Usual(shares), reached


def totals(view: View) -> Mapping[str, int]:
    """Return how often each tool was used in the runs that have ended."""
    return view.followers(KIND, (fingerprint(),))[0]
