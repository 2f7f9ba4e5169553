"""What travels to and from the pattern engine."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, StringConstraints, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from tmws_mcp.model.base import JsonObject, Namespace, Query, Request, Scope, Value
from tmws_mcp.model.memory import TokenBudget

CONTEXT_ITEMS_MAX = 50

Mode = Literal["balanced", "fast", "comprehensive"]
Route = Literal["infrastructure", "memory", "hybrid"]
MatchedBy = Literal["exact", "regex", "semantic", "none"]
CacheLayer = Literal["process", "redis", "store"]


class ExecuteRequest(Request):
    """Arguments of pattern_execute."""

    query: Annotated[Query, StringConstraints(min_length=1)]
    mode: Mode = "balanced"
    context: Annotated[
        JsonObject, Field(max_length=CONTEXT_ITEMS_MAX, description="Facts that steps may use")
    ] = Field(default_factory=dict)
    token_budget: Annotated[TokenBudget | None, Field(description="Raise it to see the rest")] = (
        None
    )
    namespace: Namespace = ""
    explain: Annotated[bool, Field(description="Say why this route")] = False
    dry_run: Annotated[bool, Field(description="Match and route, run nothing")] = False


@dataclass(frozen=True, slots=True)
class Match:
    """What the matcher found for a query."""

    pattern: str | None
    matched_by: MatchedBy
    confidence: float
    """0 to 1: how sure the matcher is that this pattern is meant."""
    arguments: dict[str, str] = field(default_factory=dict)
    closest: tuple[str, ...] = ()
    why: str = ""
    """What a guess rests on, or why nothing was guessed."""
    leans: tuple[str, float] | None = None
    """The pattern that was guessed and may not run on this guess, and the confidence."""
    none: float | None = None
    """How probable it is that no pattern is meant, where the examples were asked."""
    final: bool = True
    """False while the examples are being learned: they may say otherwise in a moment."""


class Alternative(Value):
    """A route that was not taken."""

    route: Route
    score: float
    why: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What the router chose."""

    route: Route
    confidence: float
    why: str
    alternatives: tuple[Alternative, ...] = ()
    runs: bool = True
    """False where nothing can be run: no pattern matches, and nothing is remembered."""


class StepReport(Value):
    """How one step of an execution went."""

    name: str
    ok: bool
    ms: float
    error: str | None = None
    ran: Literal[False] | None = None
    """False where it was not run at all."""


class Explanation(Value):
    """Why a query was answered the way it was."""

    match: str
    route: str
    alternatives: tuple[Alternative, ...] = ()
    closest: tuple[str, ...] = ()


@dataclass(slots=True)
class Rendered:
    """How an answer that is kept was rendered, for all to whom it is given again."""

    body: str | None = None
    """The text below the first line, which tells how long this call took."""
    facts: JsonObject | None = None
    """The structured part, whose `ms` is each call's own."""


class ExecuteReply(Value):
    """What pattern_execute answers."""

    pattern: str | None
    route: Route
    confidence: float
    matched_by: MatchedBy
    result: Annotated[JsonValue, WithJsonSchema({"type": "object", "additionalProperties": True})]
    """What each step found, by its name."""
    steps: tuple[StepReport, ...] = ()
    cached: Literal[False] | CacheLayer = False
    tokens: int
    tokens_saved: int
    """Tokens of all that the steps found, less the tokens of this reply's text."""
    omitted: int = 0
    """Items found and not shown for want of room."""
    shortened: int = 0
    """Texts cut for want of room; each says by how much."""
    ms: float
    explanation: Explanation | None = None
    scope: Scope
    rendered: Annotated[Rendered | None, SkipJsonSchema(), Field(exclude=True, repr=False)] = None
    """Of a kept answer: filled by whoever renders it first, and never told."""


class Batched(Value):
    """What became of one query of a batch."""

    query: str
    reply: ExecuteReply | None = None
    error: str | None = None


class BatchReply(Value):
    """The answers to many queries, in their order."""

    answers: tuple[Batched, ...]
    tokens: int
    """Of the texts of all answers."""


class RegisterRequest(Request):
    """Arguments of register_pattern."""

    definition: Annotated[dict[str, Any], Field(description="As in a pattern file")]


class RegisterReply(Value):
    """What register_pattern answers."""

    id: str
    path: str
    replaced: bool
