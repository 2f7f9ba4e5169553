"""What the server tells of itself."""

from typing import Literal

from pydantic import JsonValue

from tmws_mcp.model.base import Scope, Value
from tmws_mcp.model.figures import Insight
from tmws_mcp.model.memory import Tier
from tmws_mcp.model.pattern import Route


class PatternSummary(Value):
    """An authored pattern in a few lines."""

    id: str
    route: Route
    summary: str
    exact: tuple[str, ...] = ()
    regex: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    executions: str | None = None
    """How its executions went, where one was observed."""


class UpstreamTool(Value):
    """A tool of another server."""

    name: str
    description: str = ""
    arguments: tuple[str, ...] = ()
    says_read_only: bool = False


class UpstreamState(Value):
    """Another MCP server, whose tools patterns may call."""

    name: str
    state: str
    """running, starting, stopped, not started yet, or failed and why."""
    by: Literal["command", "url"]
    starts: int = 0
    tool_changes: int = 0
    """How often it has changed its tools since it was started."""
    tools: tuple[UpstreamTool, ...] = ()


class Status(Value):
    """Whether this server can do its work, and in which tier."""

    version: str
    ok: bool
    problems: tuple[str, ...] = ()
    """What is wrong or missing, each with its remedy."""
    tier: Tier
    store: str
    library: str
    schema_version: int
    vectors: bool
    embedder: str | None
    vectors_missing: int = 0
    """Memories that have no vector of this embedder yet; they are made in the background."""
    patterns: int
    namespaces: int
    used: tuple[str, ...] = ()
    """How much of each limit that is set."""
    federation: str
    upstream: tuple[str, ...] | None = None
    """How the other servers are, where some are configured."""
    alerts: tuple[str, ...] = ()
    """Figures of executions, caches and connections that are past their thresholds."""
    regressions: tuple[str, ...] = ()
    """What worked and got worse lately, with the learned pattern that it is about."""
    uptime_seconds: float
    scope: Scope


class Statistics(Value):
    """How much is stored and learned in a scope."""

    memory: dict[str, JsonValue]
    learning: dict[str, JsonValue]
    patterns: dict[str, JsonValue]
    """How much was executed, in sums; `insight` has it by pattern."""
    insight: Insight
    store_bytes: int
    scope: Scope
