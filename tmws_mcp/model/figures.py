"""What the server tells of its executions, caches and connections."""

from typing import Literal

from pydantic import Field

from tmws_mcp.model.base import Value

Level = Literal["warning", "critical"]


class PatternFigures(Value):
    """What the executions of a pattern by one route cost and brought, over some days."""

    pattern: str
    """`none`: a recall for a query that no pattern matched."""
    route: str
    runs: int
    p50_ms: float | None = None
    """Of what was made; what was kept is told apart."""
    p95_ms: float | None = None
    kept_p95_ms: float | None = None
    failed: int = 0
    kept: int = 0
    """Answers that were given again."""
    kept_by: dict[str, int] = Field(default_factory=dict)
    """The same by the layer that kept them: process, redis, store."""
    tokens_mean: float = 0.0
    tokens_saved: int = 0
    found: int = 0
    """Runs whose memory part found something; of `recalled`."""
    recalled: int = 0
    again: int = 0
    """The same was asked again within two minutes."""
    judged: int = 0
    """Observations that name the pattern as their method or tool, and how many were good."""
    good: int = 0


class CacheFigures(Value):
    """How a cache served, over some days."""

    name: str
    hits: int
    misses: int
    again_missed: int = 0
    """Misses of what had been asked before: a first question can be kept by nobody."""
    entries: int | None = None
    """Of this process, now."""
    bytes: int | None = None
    entries_max: int | None = None
    """How many there is room for now."""
    bytes_max: int | None = None

    @property
    def hit_rate(self) -> float | None:
        """Share of what was asked again that was still there; None where nothing was."""
        asked_again = self.hits + self.again_missed
        return self.hits / asked_again if asked_again else None


class ConnectionFigures(Value):
    """How busy the store's connections were, since this process began."""

    readers: int
    writer_busy: float
    """Share of the time."""
    readers_busy: float
    """Share of the time that all of them have."""
    waited_ms_mean: float
    """How long a call waited for a connection."""


class Alert(Value):
    """A figure past its threshold."""

    level: Level
    about: str
    text: str


class Insight(Value):
    """Figures, what is wrong with them, and what may be done."""

    days: int
    patterns: tuple[PatternFigures, ...] = ()
    caches: tuple[CacheFigures, ...] = ()
    connections: ConnectionFigures | None = None
    alerts: tuple[Alert, ...] = ()
    suggestions: tuple[str, ...] = ()
    trends: tuple[str, ...] = ()
    """What differs from the days before."""
