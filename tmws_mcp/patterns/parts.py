"""What steps are made of, what all steps of an execution share, and what a step brings."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from tmws_mcp.actions.programs import Programs
from tmws_mcp.actions.registry import Action, Workspace
from tmws_mcp.model import (
    JsonObject,
    RecallReply,
    RecallRequest,
    RecommendReply,
    RecommendRequest,
    StoreReply,
    StoreRequest,
)
from tmws_mcp.patterns.arguments import Argument
from tmws_mcp.patterns.templates import ArgumentType


@dataclass(frozen=True, slots=True)
class Parts:
    """What steps are made of: the engine's own methods, bound to a call's scope."""

    recall: Callable[[RecallRequest], Awaitable[RecallReply]]
    remember: Callable[[StoreRequest], Awaitable[StoreReply]]
    recommend: Callable[[RecommendRequest], Awaitable[RecommendReply]]
    actions: Mapping[str, Action]
    call: Callable[[str, JsonObject], Awaitable[JsonValue]] | None = None
    """Calls a tool of another server; ToolUnreachable where that cannot be."""
    workspace: Workspace = field(default_factory=Workspace)
    programs: Programs = field(default_factory=Programs)
    clock: Callable[[], float] = time.time
    """Seconds since 1970: what "yesterday" is counted from."""


@dataclass(frozen=True, slots=True)
class Call:
    """What all steps of an execution share."""

    arguments: Mapping[str, str]
    namespace: str
    tokens: int
    milliseconds: int
    declared: Mapping[str, Argument] = field(default_factory=dict)
    """What the pattern says of its arguments."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Arguments whose values are not what was declared, and why: steps that need them fail."""
    times: int = 1
    """How many times as much as the pattern's budget the caller has room for."""
    focused: bool = True
    """Whether recalls leave out what is clearly behind the best; not where all is wanted."""
    now: float = 0.0
    """When it was asked, seconds since 1970."""

    @property
    def types(self) -> dict[str, ArgumentType]:
        """The types of the arguments."""
        return {name: argument.type for name, argument in self.declared.items()}


@dataclass(frozen=True, slots=True)
class Found:
    """What a step brought: a value as JSON, and what the part itself left out."""

    value: JsonValue
    omitted: int = 0
    failure: str | None = None
    """Why it is no success though there is something to show, as of a command that failed."""
