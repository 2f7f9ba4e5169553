"""What repaired such an error before: by its template, else its class, else its tool, else any."""

from tmws_mcp.learning import repairs
from tmws_mcp.learning.case import SILENT, Case, Forecast
from tmws_mcp.learning.discounting import interpolate
from tmws_mcp.learning.view import View

KIND = "repair"


def foresee(view: View, case: Case) -> Forecast:
    """Expect the tools that ended errors like the last step's."""
    if not case.failed:
        return SILENT
    levels = [
        {tool: tally.weighed_ok for tool, tally in tallies.items() if tally.ok}
        for tallies in (view.tallies(KIND, key) for key in repairs.asked_keys(case.steps[-1]))
    ]
    shares, reached = interpolate(levels)
    return Forecast(shares, max(reached - 1, 0))
