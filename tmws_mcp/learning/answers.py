"""An answer before it becomes a reply."""

from dataclasses import dataclass

from tmws_mcp.model import Recommendation


@dataclass(frozen=True, slots=True)
class Answer:
    """Recommendations, the best first; or why there are none."""

    recommendations: tuple[Recommendation, ...] = ()
    reason: str = "There is no evidence for this case yet."
