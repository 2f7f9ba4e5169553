"""What travels to and from the memory."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tmws_mcp.model.base import Moment, Name, Namespace, Query, Request, Scope, Share, Text, Value

CONTENT_CHARS_MAX = 100_000
TAGS_MAX = 32
IDS_MAX = 200
RECALL_LIMIT_MAX = 200
TOKEN_BUDGET_MIN = 50
TOKEN_BUDGET_MAX = 20_000  # clients cut a tool's reply at 25,000
CURSOR_CHARS_MAX = 4_000

MemoryKind = Literal["semantic", "episodic", "procedural"]
Tier = Literal["hybrid", "lexical"]
Detail = Literal["full", "short", "bare"]
"""How much the text says of each memory besides its content, as the budget allows."""
Trust = Literal["user", "agent", "tool", "import"]
"""Whose word it is: the user's, the agent's own, a tool's or a web page's, another store's."""

MemoryId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Ids = Annotated[tuple[MemoryId, ...], Field(max_length=IDS_MAX)]
Tags = Annotated[tuple[Name, ...], Field(max_length=TAGS_MAX)]
TokenBudget = Annotated[int, Field(ge=TOKEN_BUDGET_MIN, le=TOKEN_BUDGET_MAX)]


class StoreRequest(Request):
    """Arguments of store_memory."""

    content: Annotated[Text, StringConstraints(min_length=1, max_length=CONTENT_CHARS_MAX)]
    tags: Tags = ()
    kind: MemoryKind = "semantic"
    importance: Share = 0.5
    namespace: Namespace = ""
    persona: Name = ""
    source: Annotated[Name, Field(description="Where it comes from")] = ""
    thread: Annotated[Name, Field(description="Conversation or run it belongs to")] = ""
    speaker: Annotated[Name, Field(description="Who said it")] = ""
    occurred_at: Moment | None = None
    expires_at: Moment | None = None
    supersedes: Annotated[str, Field(description="Id of the memory it replaces")] = ""
    trust: Annotated[
        Literal["user", "agent", "tool"], Field(description="Whose word; web pages: tool")
    ] = "agent"


class EditRequest(Request):
    """What is to be changed about a memory beside its text; what is left out stays."""

    tags: Tags | None = None
    kind: MemoryKind | None = None
    importance: Share | None = None
    persona: Name | None = None
    source: Name | None = None
    speaker: Name | None = None
    occurred_at: Moment | None = None
    expires_at: Annotated[Moment | None, Field(description="null: never")] = None
    namespace: Namespace = ""


class Origin(Value):
    """Who stored a memory, and by which way."""

    trust: Trust = "agent"
    via: Name = ""
    """The tool, or the source of an import."""
    client: Name = ""
    """Name and version, as the client tells them."""


class Similar(Value):
    """A memory that says nearly the same."""

    id: str
    similarity: float
    """Cosine of the two embeddings, up to 1."""


class StoreReply(Value):
    """What store_memory answers."""

    id: str
    created: bool
    duplicate_of: str | None = None
    echo_of: tuple[str, ...] = ()
    """The memories, recalled just before, that the text consists of."""
    similar_to: tuple[Similar, ...] = ()
    scope: Scope


class RecallRequest(Request):
    """Arguments of recall_memory."""

    query: Query = ""
    ids: Annotated[Ids, Field(description="Read these in full")] = ()
    cursor: Annotated[
        str, Field(max_length=CURSOR_CHARS_MAX, description="Go on after an earlier reply")
    ] = ""
    limit: Annotated[int, Field(ge=1, le=RECALL_LIMIT_MAX)] = 5
    token_budget: TokenBudget = 800
    min_score: Share | None = None
    namespace: Namespace = ""
    persona: Name = ""
    speaker: Name = ""
    thread: Name = ""
    tags: Annotated[Tags, Field(description="All of them")] = ()
    tags_any: Tags = ()
    tags_none: Tags = ()
    min_importance: Share | None = None
    kinds: Annotated[tuple[MemoryKind, ...], Field(max_length=3)] = ()
    since: Moment | None = None
    until: Moment | None = None


class FocusedRequest(RecallRequest):
    """A recall of a pattern; no tool offers to leave out what is clearly behind the best."""

    focus: Share = 0.0
    """Only what scores at least this share of the best."""


def focus_of(request: RecallRequest) -> float:
    """Return which share of the best score is asked for at least."""
    return request.focus if isinstance(request, FocusedRequest) else 0.0


class Memory(Value):
    """A memory as recall shows it."""

    id: str
    content: str
    score: float | None = None
    """0 to 1, higher is better; none where nothing was searched for."""
    created_at: str
    occurred_at: str | None = None
    tags: tuple[str, ...] = ()
    kind: MemoryKind
    importance: float = 0.5
    namespace: str
    persona: str | None = None
    speaker: str | None = None
    thread: str | None = None
    source: str | None = None
    expires_at: str | None = None
    supersedes: str | None = None
    versions: int = 0
    """How many older versions stand behind it."""
    superseded_by: str | None = None
    newest: str | None = None
    """The version that holds now, where `superseded_by` was replaced in its turn."""
    history: tuple[str, ...] = ()
    """All versions, newest first; only where one memory was asked for by its id."""
    archived: str | None = None
    """The batch that archived it: no query finds it, its id does."""
    trust: Trust = "agent"
    via: str | None = None
    client: str | None = None
    similar_to: tuple[str, ...] = ()
    matched: tuple[str, ...] = ()
    """Which signals found it: words, key, meaning …"""
    also: tuple[str, ...] = ()
    """Ids of others that were found too and say nearly the same; they are not shown themselves."""
    passage: bool = False
    """True where `content` is an excerpt; its id gives the whole."""


class RecallReply(Value):
    """What recall_memory answers."""

    memories: tuple[Memory, ...]
    tokens: int
    omitted: int
    """Found, and not shown for want of room: raise the budget or follow the cursor."""
    cursor: str | None = None
    tier: Tier
    note: str | None = None
    """Why the answer is empty or of a lower tier, and what to do."""
    detail: Detail = "full"
    """How much the text says in each head."""
    missing: tuple[str, ...] = ()
    """Ids asked for that do not exist here."""
    scope: Scope


class Explained(Value):
    """Why a memory stands where it does among what a query finds."""

    id: str
    content: str
    """Its beginning."""
    score: float
    shares: dict[str, float]
    """What each signal added to the sum by which it is ranked."""
    namespace: str


class ForgetRequest(Request):
    """Arguments of forget_memory."""

    ids: Ids = ()
    query: Query = ""
    confirm: Annotated[bool, Field(description="Forget what the query finds")] = False
    undo: Annotated[Ids, Field(description="Bring these back")] = ()
    namespace: Namespace = ""


class ForgetReply(Value):
    """What forget_memory answers."""

    forgotten: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    would_forget: tuple[Memory, ...] = ()
    """What the query finds, when `confirm` was not set: nothing was changed."""
    missing: tuple[str, ...] = ()
    undo_until: str | None = None
    scope: Scope


class MemoryStatistics(Value):
    """How much a scope's namespaces remember."""

    memories: int
    """Current ones: neither forgotten nor superseded."""
    by_kind: dict[str, int]
    with_vectors: int
    superseded: int
    forgotten: int
    """Can still be brought back."""
    threads: int
    tags: int
    oldest: str | None = None
    newest: str | None = None
    by_namespace: dict[str, int]
