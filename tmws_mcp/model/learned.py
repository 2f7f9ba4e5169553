"""What a person does with what was learned: promoting, forgetting, comparing, carrying it on."""

from pydantic import JsonValue

from tmws_mcp.model.base import Name, Namespace, Request, Scope, Value
from tmws_mcp.model.learning import LearnedKind, LongText


class Promotion(Value):
    """A learned pattern as an authored one, for a person to look at."""

    pattern_id: str
    definition: dict[str, JsonValue]
    """What its file would hold."""
    runs: int
    """So many runs could be compared."""
    runnable: tuple[str, ...] = ()
    """Its steps that this server can run."""
    missing: tuple[str, ...] = ()
    """Tools that this server cannot reach: they are handed to the caller as calls."""
    notes: tuple[str, ...] = ()
    """What to look at before it is saved."""


class ExecutedStep(Value):
    """A step of an authored pattern, as it went."""

    tool: str
    ok: bool
    seconds: float
    error: str = ""
    called: bool = False
    """Whether it is a tool of another server: it is observed whatever it was done for."""


class Execution(Value):
    """An execution of an authored pattern."""

    pattern: str
    variant: str = ""
    """The version of the pattern, where two of them are compared."""
    run: str
    """Tells it apart from all others."""
    task: str = ""
    """What it was done for; empty: how it ended is counted, and the other servers' tools."""
    promoted_from: str | None = None
    steps: tuple[ExecutedStep, ...] = ()
    ok: bool | None
    """None where a part of it was left to the caller."""
    seconds: float


class ForgetLearnedRequest(Request):
    """What was learned and is to be forgotten: exactly one of the first five."""

    pattern: Name = ""
    task: LongText = ""
    tool: Name = ""
    actor: Name = ""
    everything: bool = False
    erase: bool = False
    """Erase it at once: it cannot be brought back."""
    dry_run: bool = False
    namespace: Namespace = ""


class ForgetLearnedReply(Value):
    """What was forgotten, or would be."""

    subject: str
    rows: dict[str, int]
    """How many of what: learned patterns, counts, tasks, runs, steps, sessions."""
    undo: str | None = None
    """What `undo` takes to bring it back."""
    undo_until: str | None = None
    note: str = ""
    dry_run: bool = False
    scope: Scope


class UndoLearnedReply(Value):
    """What was brought back."""

    subject: str
    rows: dict[str, int]
    scope: Scope


class ForgottenLearned(Value):
    """Something forgotten that can be brought back."""

    undo: str
    subject: str
    at: str
    undo_until: str


class ObservingStatus(Value):
    """Whether observing goes on in a namespace, and what is kept of it."""

    paused: str | None = None
    steps: int = 0
    sessions: int = 0
    oldest_step: str | None = None
    newest_step: str | None = None
    learned: int = 0
    steps_days: int
    sessions_days: int
    forgotten: tuple[ForgottenLearned, ...] = ()
    scope: Scope


class Compared(Value):
    """One of two that are compared."""

    name: str
    what: str
    support: int
    successes: int
    seconds: float | None = None
    """Median duration."""
    timed: int = 0
    tokens: int | None = None
    """Mean cost."""


class Comparison(Value):
    """Two beside each other."""

    one: Compared
    other: Compared
    better: float
    """Probability that the first works more often."""
    faster: float | None = None
    """Share of pairs of runs in which the first is faster."""
    times: float | None = None
    """How many times faster the first is, by the medians."""
    verdict: str
    scope: Scope


class LearnedMove(Value):
    """How a learned pattern moved between two days."""

    pattern_id: str
    kind: LearnedKind
    summary: str
    is_new: bool
    runs: int
    successes: int
    share_before: float | None = None
    share_after: float
    got_worse: bool
    """Whether a change for the worse was noticed."""
    got_better: bool = False
    """Whether one for the better was noticed."""
