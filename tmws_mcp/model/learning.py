"""What travels to and from the learning part."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints

from tmws_mcp.model.base import (
    JsonObject,
    Moment,
    Name,
    Namespace,
    Request,
    Scope,
    Share,
    Text,
    Value,
)

LONG_TEXT_CHARS_MAX = 20_000
"""A task, error or turn may be as long; what is kept of it is shorter (learning/sessions.py)."""
INTERACTIONS_MAX = 500
STEP_MAX = 2**53 - 1
"""What JSON numbers hold exactly: room for a time in microseconds."""
TOOLS_MAX = 2_000
CANDIDATES_MAX = 200
RECENT_STEPS_MAX = 200
METADATA_ITEMS_MAX = 50
LISTED_MAX = 5_000

LearnedKind = Literal["task_sequence", "error_recovery", "tool_usage", "performance"]
Want = Literal["auto", "next", "recover", "workflow", "variant"]
Outcome = Literal["success", "failure", "unknown"]
EvidenceSource = Literal["tests", "exit_code", "user", "self"]

LongText = Annotated[Text, StringConstraints(max_length=LONG_TEXT_CHARS_MAX)]
Metadata = Annotated[JsonObject, Field(max_length=METADATA_ITEMS_MAX)]
ToolNames = Annotated[tuple[Name, ...], Field(max_length=TOOLS_MAX)]


class Interaction(Request):
    """What happened: one step of an agent, or the end of its session."""

    task: LongText = ""
    tool_used: Name = ""
    success: bool = True
    error: LongText = ""
    recovery_action: Annotated[Name, Field(description="Tool that repaired the error")] = ""
    method: Annotated[Name, Field(description="Variant used: model, algorithm")] = ""
    execution_time: Annotated[float | None, Field(ge=0, le=31_536_000, description="Seconds")] = (
        None
    )
    tokens: Annotated[int | None, Field(ge=0, le=10**12)] = None
    session_id: Name = ""
    step: Annotated[int | None, Field(ge=0, le=STEP_MAX, description="Makes a repeat harmless")] = (
        None
    )
    outcome: Annotated[Outcome | None, Field(description="Ends the session")] = None
    arguments: Annotated[JsonObject | str, Field(description="The tool's arguments")] = ""
    available_tools: ToolNames = ()
    turn: Annotated[LongText, Field(description="Newest user message")] = ""
    evidence: Annotated[EvidenceSource | None, Field(description="Who judged the success")] = None
    metadata: Metadata = Field(default_factory=dict)


class RecordedInteraction(Interaction):
    """A step as a client's own records tell it; no argument of a tool."""

    call_id: Name = ""
    """Its client's id of the call: told again under another `step` it is the same one."""


class ObserveRequest(Interaction):
    """Arguments of observe_interaction: one interaction, or many."""

    interactions: Annotated[
        tuple[Interaction, ...],
        Field(max_length=INTERACTIONS_MAX, description="Many at once, same fields"),
    ] = ()
    namespace: Namespace = ""


class Judgement(Request):
    """How it went to do as a learned pattern says."""

    success: bool
    task: LongText = ""
    """What it was done for; empty: what the pattern says."""
    error: LongText = ""
    execution_time: Annotated[float | None, Field(ge=0, le=31_536_000, description="Seconds")] = (
        None
    )
    evidence: Annotated[EvidenceSource | None, Field(description="Who judged")] = None
    namespace: Namespace = ""


class LearnedSummary(Value):
    """A learned pattern in a line."""

    kind: LearnedKind
    pattern_id: str
    summary: str
    confidence: float
    support: int


class ObserveReply(Value):
    """What observe_interaction answers."""

    observed: int
    """Steps and session ends that were new."""
    session_id: str
    learned: tuple[LearnedSummary, ...] = ()
    paused: str | None = None
    """Why nothing was observed, where observing is paused."""
    scope: Scope


class RecentStep(Request):
    """A step of the running session, as the caller tells it."""

    tool: Name
    ok: bool = True
    error: LongText = ""


class RecommendRequest(Request):
    """Arguments of get_recommendations."""

    task: LongText = ""
    session_id: Name = ""
    recent_steps: Annotated[
        tuple[RecentStep, ...],
        Field(max_length=RECENT_STEPS_MAX, description="{tool, ok, error?}, oldest first"),
    ] = ()
    error: Annotated[LongText, Field(description="What just failed")] = ""
    available_tools: ToolNames = ()
    turn: LongText = ""
    want: Want = "auto"
    candidates: Annotated[
        tuple[Name, ...], Field(max_length=CANDIDATES_MAX, description="For want=variant")
    ] = ()
    metadata: Metadata = Field(default_factory=dict)
    limit: Annotated[int, Field(ge=1, le=20)] = 3
    min_confidence: Share = 0.0
    namespace: Namespace = ""


class Evidence(Value):
    """What stands behind a recommendation."""

    support: int
    successes: int
    instances: int
    last_seen: str | None = None
    lower_bound: float
    """Wilson's lower bound of the success share, 95 %."""
    base_rate: float | None = None
    """The success share without this action, where it is known."""
    changed_at: str | None = None
    """When it got worse or better, where it did: support and successes count from then on."""
    before: float | None = None
    """The success share before that."""


class Recommendation(Value):
    """What to do, with the reason."""

    action: str | tuple[str, ...]
    kind: Literal["tool", "workflow", "variant"]
    confidence: float
    """Calibrated probability that this is the right action here."""
    success_rate: float | None
    """How often it worked when taken."""
    why: str
    pattern_id: str | None = None
    evidence: Evidence


class RecommendReply(Value):
    """What get_recommendations answers."""

    recommendations: tuple[Recommendation, ...] = ()
    abstained: Literal[False] | str = False
    tokens: int = 0
    scope: Scope


class Snapshot(Value):
    """The counts of a learned pattern at the end of a day."""

    day: str
    support: int
    successes: int
    version: int


class LearnedPattern(Value):
    """A learned pattern with all that is known of it."""

    pattern_id: str
    kind: LearnedKind
    summary: str
    definition: dict[str, JsonValue]
    success_rate: float | None = None
    evidence: Evidence
    seconds: float | None = None
    """Median duration, where it was measured."""
    version: int = 1
    """One more with each change for the worse that was noticed."""
    first_seen: str | None = None
    actors: tuple[str, ...] = ()
    history: tuple[Snapshot, ...] = ()
    """Day by day, oldest first; only of a pattern that is asked for by its id."""


class LearnedFilter(Request):
    """Which learned patterns to list."""

    kind: LearnedKind | None = None
    tool: Name = ""
    """Tool or method that it names."""
    since: Moment | None = None
    """Seen since then."""
    min_support: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=LISTED_MAX)] = 200


class LearnedCounts(Value):
    """How many learned patterns there are of each kind."""

    task_sequence: int = 0
    error_recovery: int = 0
    tool_usage: int = 0
    performance: int = 0


class LearningStatistics(Value):
    """How much was observed and learned in a namespace."""

    steps: int = 0
    """Kept, of those observed."""
    observed: int = 0
    succeeded: int = 0
    sessions: int = 0
    open_sessions: int = 0
    tasks: int = 0
    learned: LearnedCounts = LearnedCounts()
