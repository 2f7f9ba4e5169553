"""The kinds of step that a pattern file may hold.

A step has exactly one of the keys `action`, `call`, `recall`, `store` and `recommend`, and the
options of that kind alone, so that an option which would do nothing is refused by its name.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag

from tmws_mcp.model import JsonObject, MemoryKind, Want
from tmws_mcp.model.base import Name, Share, Text
from tmws_mcp.model.memory import RECALL_LIMIT_MAX, Tags

TEMPLATE_CHARS_MAX = 4_000
WITH_ITEMS_MAX = 30
NEEDS_MAX = 12
COMMAND_WORDS_MAX = 50
PICK_MAX = 30
FOCUS = 0.7
"""On LoCoMo's first three conversations a lower share left out nothing, this one two answers of a
thousand, .8 two of a hundred; notes without a conversation lose most of what is not meant."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
ActionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){0,2}$")]
FieldPath = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Template = Annotated[Text, StringConstraints(max_length=TEMPLATE_CHARS_MAX)]
Part = Literal["infrastructure", "memory"]


class Definition(BaseModel):
    """A part of a pattern file: unknown keys are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=False
    )


class StepBase(Definition):
    """What steps of all kinds have."""

    part: ClassVar[Part] = "memory"
    takes_results: ClassVar[bool] = False
    """Whether `{step}` in its texts stands for what a step that it needs has found."""

    name: Identifier
    needs: Annotated[tuple[Identifier, ...], Field(max_length=NEEDS_MAX)] = ()
    """Steps that must have gone well before this one starts."""
    if_empty: Identifier | None = None
    """Run only if that step found nothing: a second, wider attempt."""
    when: Identifier | None = None
    """Run only if this argument has a value."""
    unless: Identifier | None = None
    """Run only if this argument has none."""
    milliseconds: Annotated[int, Field(ge=10, le=60_000)] | None = None
    """It is given up after so long, beside the pattern's budget."""

    @property
    def after(self) -> tuple[str, ...]:
        """The steps that it waits for."""
        return (*self.needs, self.if_empty) if self.if_empty else self.needs

    @property
    def conditions(self) -> tuple[str, ...]:
        """The arguments that decide whether it runs."""
        return tuple(name for name in (self.when, self.unless) if name)


class LookingStep(StepBase):
    """A step that looks at something that is not the memory: it says what it wants of it."""

    part: ClassVar[Part] = "infrastructure"

    pick: Annotated[tuple[FieldPath, ...], Field(max_length=PICK_MAX)] = ()
    """The fields to keep, as `user.name`; through the items of lists, too. `commits:3`: three."""
    cut: Annotated[int, Field(ge=1, le=1_000)] | None = None
    """How many items a list may keep."""


class ActionStep(LookingStep):
    """Do something: `action` names an entry of the registry, `with` are its arguments."""

    action: ActionName
    with_: Annotated[JsonObject, Field(alias="with", max_length=WITH_ITEMS_MAX)] = Field(
        default_factory=dict
    )


class CallStep(LookingStep):
    """Call a tool that is not ours: of another server, or of the agent itself.

    Where this server cannot reach it, the filled call is handed to the caller, and said not to have
    been run.
    """

    call: Annotated[Name, StringConstraints(min_length=1)]
    with_: Annotated[JsonObject, Field(alias="with", max_length=WITH_ITEMS_MAX)] = Field(
        default_factory=dict
    )


class CommandStep(LookingStep):
    """Run a program that the settings allow: the program, then its arguments, and no shell."""

    command: Annotated[
        tuple[Annotated[Template, StringConstraints(min_length=1)], ...],
        Field(min_length=1, max_length=COMMAND_WORDS_MAX),
    ]
    folder: Template = ""
    """Where it runs; empty: the first folder that is allowed."""
    output: Literal["text", "lines", "json"] = "text"
    """What it writes, and is shown as."""


class RecallStep(StepBase):
    """Recall memories; an empty `recall` gives the newest."""

    takes_results = True

    recall: Template
    limit: Annotated[int, Field(ge=1, le=RECALL_LIMIT_MAX)] = 5
    tags: Tags = ()
    tags_any: Tags = ()
    during: Template = ""
    """Only what happened in the time that this text names; all times where it names none."""
    kinds: Annotated[tuple[MemoryKind, ...], Field(max_length=3)] = ()
    persona: Name = ""
    speaker: Name = ""
    thread: Name = ""
    min_score: Share | None = None
    focus: Share = FOCUS
    """Only what scores at least this share of the best; 0: as many as `limit` says."""


class StoreStep(StepBase):
    """Store a memory."""

    store: Annotated[Template, StringConstraints(min_length=1)]
    tags: Tags = ()
    kind: MemoryKind = "semantic"
    importance: Share = 0.5
    persona: Name = ""
    source: Name = ""
    thread: Name = ""
    speaker: Name = ""


class Recommendation(Definition):
    """What a recommendation is asked for, as in get_recommendations."""

    task: Template = ""
    error: Template = ""
    turn: Template = ""
    want: Want = "auto"
    limit: Annotated[int, Field(ge=1, le=20)] = 3
    min_confidence: Share = 0.0


class RecommendStep(StepBase):
    """Ask what was learned."""

    takes_results = True

    recommend: Recommendation


KINDS = ("action", "call", "command", "recall", "store", "recommend")


def _kind(step: Any) -> str | None:
    """Return the one key that says what the step does."""
    keys = step if isinstance(step, dict) else getattr(step, "model_fields_set", ())
    found = [kind for kind in KINDS if kind in keys]
    return found[0] if len(found) == 1 else None


Step = Annotated[
    Annotated[ActionStep, Tag("action")]
    | Annotated[CallStep, Tag("call")]
    | Annotated[CommandStep, Tag("command")]
    | Annotated[RecallStep, Tag("recall")]
    | Annotated[StoreStep, Tag("store")]
    | Annotated[RecommendStep, Tag("recommend")],
    Discriminator(
        _kind,
        custom_error_type="step_kind",
        custom_error_message=f"needs exactly one of the keys {', '.join(KINDS)}",
    ),
]
