"""Which tools were used on this very task: counted at each step, so that the first one answers."""

from tmws_mcp.learning.case import SILENT, Case, Forecast
from tmws_mcp.learning.discounting import interpolate
from tmws_mcp.learning.view import View

KIND = "task_tool"


def foresee(view: View, case: Case) -> Forecast:
    """Expect the tools that worked on the task, in proportion."""
    if not case.task:
        return SILENT
    tallies = view.tallies(KIND, case.task)
    shares, reached = interpolate([{tool: tally.ok for tool, tally in tallies.items() if tally.ok}])
    return Forecast(shares, reached)
