"""What travels between the engine and whoever tidies memories."""

from pydantic import Field

from tmws_mcp.model.base import Scope, Value


class Proposal(Value):
    """A memory that a rule would archive, or has archived."""

    id: str
    reason: str
    kept: str | None = None
    """The memory that says the same and stays."""
    content: str
    """Its beginning."""


class Consolidated(Value):
    """What consolidation would archive, or has."""

    applied: bool
    batch: str | None = None
    """Undoes it."""
    archived: int = 0
    by_reason: dict[str, int] = Field(default_factory=dict)
    proposals: tuple[Proposal, ...] = ()
    """The first ones."""
    scope: Scope


class BroughtBack(Value):
    """What the undo of a batch did."""

    batch: str
    restored: int
    left: int = 0
    """Stored again in the meantime: these stay archived."""
    scope: Scope


class ArchiveBatch(Value):
    """What was archived together."""

    id: str
    namespace: str
    made_at: str
    reasons: dict[str, int]
