"""What the running session itself does: the tools it uses, and what followed what in it.

The counts of other sessions do not hold the running one until it ends, so this expert looks at its
steps directly.
"""

from collections import Counter

from tmws_mcp.learning.case import SILENT, Case, Forecast
from tmws_mcp.learning.discounting import interpolate
from tmws_mcp.learning.view import View

ORDER_MAX = 3


def foresee(_view: View, case: Case) -> Forecast:
    """Expect what followed the same steps earlier in the session."""
    if not case.steps:
        return SILENT
    tools = [step.tool for step in case.steps]
    symbols = case.symbols
    offset = len(symbols) - len(tools)
    levels = [Counter(tool for tool in tools if tool)]
    for order in range(1, ORDER_MAX + 1):
        suffix = symbols[-order:]
        level = Counter(
            tool
            for number, tool in enumerate(tools, offset)
            if tool and number >= order and symbols[number - order : number] == suffix
        )
        if not level:
            break
        levels.append(level)
    shares, reached = interpolate(levels)
    return Forecast(shares, reached - 1)
