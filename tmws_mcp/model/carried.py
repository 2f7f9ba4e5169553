"""The lines of a file of learned patterns, checked as far as a line can be."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from tmws_mcp.model.base import JsonObject, Request, Text, Value
from tmws_mcp.model.learning import LearnedKind, Outcome

FORMAT = 1
COUNT_MAX = 2**53
STEPS_MAX = 400
COPIES_MAX = 12
BUCKETS_MAX = 1_000
TIME_MAX = 253_402_300_800.0  # the year 10000

Count = Annotated[int, Field(ge=0, le=COUNT_MAX)]
Time = Annotated[float, Field(ge=0, le=TIME_MAX)]
Part = Annotated[Text, StringConstraints(max_length=1_000)]


class HeaderLine(Request):
    """The first line: what the file is."""

    tmws_learned: Literal[1]
    masks: str = ""


class PatternLine(Request):
    """A learned pattern."""

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
    kind: LearnedKind
    definition: JsonObject
    first_at: Time
    last_at: Time


class SlotLine(Request):
    """What one instance counted of one action in one context."""

    kind: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
    key: Part
    action: Part
    actor: Annotated[str, StringConstraints(pattern=r"^[0-9a-z]{1,64}$")]
    gen: Count = 0
    seq: Count
    n: Count
    ok: Count
    tokens: Count = 0
    metered: Count = 0
    durations: Annotated[dict[int, Count], Field(max_length=BUCKETS_MAX)] = Field(
        default_factory=dict
    )
    last_at: Time
    before_n: Count = 0
    before_ok: Count = 0
    changed_at: Time | None = None
    outside_n: Count = 0
    outside_ok: Count = 0

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        before, outside = (self.before_n, self.before_ok), (self.outside_n, self.outside_ok)
        parts = ((self.n, self.ok), before, outside)
        if not all(ok <= n <= self.n for n, ok in parts):
            raise ValueError("more went well than was counted")
        return self


class RunLine(Request):
    """What was done for a task, from beginning to end."""

    task: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    steps: Annotated[tuple[tuple[Part, bool], ...], Field(max_length=STEPS_MAX)]
    outcome: Outcome
    at: Time
    copies: Annotated[int, Field(ge=1, le=COPIES_MAX)] = 1
    """So many were just alike."""


class CarriedLine(Request):
    """A line: exactly one of these."""

    pattern: PatternLine | None = None
    slot: SlotLine | None = None
    run: RunLine | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("needs exactly one of pattern, slot, run")
        return self


class ImportedLearned(Value):
    """What became of a file of learned patterns."""

    patterns: int = 0
    """New ones."""
    slots: int = 0
    """Newer than what was known."""
    runs: int = 0
    known: int = 0
    """Lines that told nothing new."""
