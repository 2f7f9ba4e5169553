"""What was done next after such an error, whether it helped or not."""

from collections.abc import Iterator

from tmws_mcp.learning import repairs
from tmws_mcp.learning.case import SILENT, Case, Forecast
from tmws_mcp.learning.discounting import interpolate
from tmws_mcp.learning.view import View

KIND = "after_error"


def counted(case: Case, tool: str) -> Iterator[tuple[str, str, str]]:
    """Count the tool under the error's template, class and tool."""
    keys = repairs.asked_keys(case.steps[-1]) if case.failed else ()
    return ((KIND, key, tool) for key in keys)


def foresee(view: View, case: Case) -> Forecast:
    """Expect what was done after errors like the last step's."""
    if not case.failed:
        return SILENT
    shares, reached = interpolate(view.followers(KIND, repairs.asked_keys(case.steps[-1])))
    return Forecast(shares, reached) if reached else SILENT
