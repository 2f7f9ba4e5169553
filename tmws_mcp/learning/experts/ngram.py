"""What followed the last steps in earlier sessions: an n-gram that backs off to shorter ones."""

from tmws_mcp.learning.case import SILENT, Case, Forecast
from tmws_mcp.learning.discounting import interpolate
from tmws_mcp.learning.words import fingerprint
from tmws_mcp.store import evidence
from tmws_mcp.store.driver import Connection

ORDER_MAX = 4
KIND = "ngram"


def contexts(case: Case) -> tuple[str, ...]:
    """Return the keys of the case's last steps, from none of them to ORDER_MAX."""
    symbols = case.symbols
    longest = min(ORDER_MAX, len(symbols))
    return tuple(fingerprint(*symbols[len(symbols) - order :]) for order in range(longest + 1))


def foresee(db: Connection, case: Case) -> Forecast:
    """Expect what followed the longest known suffix, smoothed by what followed shorter ones."""
    keys = contexts(case)
    counted = evidence.followers(db, case.ns, KIND, keys)
    if not counted:
        return SILENT
    shares, reached = interpolate([counted.get(key, {}) for key in keys])
    return Forecast(shares, reached - 1)
