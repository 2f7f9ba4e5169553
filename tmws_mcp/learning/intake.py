"""What callers send -> what is kept of it: secrets masked, errors as templates, lengths bounded."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from tmws_mcp.errors import InvalidInput
from tmws_mcp.learning.templates import error_class, template
from tmws_mcp.learning.words import fingerprint, stems, task_key
from tmws_mcp.masking import mask_secrets
from tmws_mcp.model import (
    Interaction,
    JsonObject,
    ObserveRequest,
    RecentStep,
    RecordedInteraction,
    Request,
)
from tmws_mcp.store.observations import Step

TASK_CHARS_MAX = 600
"""More of a task than this hardly changes which tasks are like it."""
TURN_CHARS_MAX = 400
ARGUMENTS_CHARS_MAX = 2_000
CONTEXT_ITEMS_MAX = 4
CONTEXT_VALUE_CHARS_MAX = 40
"""Longer values of metadata are texts or ids, which no second observation would share."""
IMPLICIT = "connection"
"""The session of a caller that names none."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One interaction as it is kept."""

    session: str
    step: Step | None
    """None where the interaction only ends the session, and tells no number to know a repeat by."""
    ends_only: bool
    """It says how the session ended, and of no call."""
    task: str
    task_key: str
    turn: str
    metadata: str
    """Key of the metadata as a context, empty where there is none."""
    available: tuple[str, ...]
    """As sent: most interactions never need it, and it may name thousands."""
    outcome: str | None
    judge: str | None
    """Who says that it went well, or did not."""
    seconds: float | None
    tokens: int | None


def interactions(request: ObserveRequest) -> tuple[Interaction, ...]:
    """Return what happened, one by one; the outer fields are the defaults of the inner ones.

    A `step` belongs to one interaction alone, and an `outcome` to the last.
    """
    if not request.interactions:
        return (request,)
    sent = request.model_fields_set - {"interactions", "namespace", "step", "outcome"}
    defaults = {name: getattr(request, name) for name in sent}
    last = len(request.interactions) - 1
    return tuple(
        inner.model_copy(
            update={
                name: value
                for name, value in (
                    defaults | ({"outcome": request.outcome} if number == last else {})
                ).items()
                if name not in inner.model_fields_set
            }
        )
        for number, inner in enumerate(request.interactions)
    )


def observation(sent: Interaction, *, connection: str) -> Observation:
    """Return the interaction as it is kept.

    Raises:
        InvalidInput: It says neither what was done nor that the session ended.
    """
    called = bool(sent.tool_used.strip() or sent.method.strip())
    if not (sent.outcome or called or sent.task.strip()):
        raise InvalidInput(
            "This interaction says nothing to learn from. Send tool_used (what was called), "
            "method (the variant used), task (what for), or outcome (how the session ended)."
        )
    task = masked(sent.task, TASK_CHARS_MAX)
    ends_only = bool(sent.outcome) and not called
    return Observation(
        session=session_name(sent.session_id, connection=connection),
        step=None if ends_only and sent.step is None else _step(sent),
        ends_only=ends_only,
        task=task,
        task_key=task_key(task),
        turn=masked(sent.turn, TURN_CHARS_MAX),
        metadata=context_key(sent.metadata),
        available=sent.available_tools,
        outcome=sent.outcome,
        judge=sent.evidence,
        seconds=sent.execution_time,
        tokens=sent.tokens,
    )


def session_name(session_id: str, *, connection: str) -> str:
    """Return the session's name: the caller's, else the one of its connection."""
    if name := tool_name(session_id):
        return name
    return f"{IMPLICIT}:{connection}" if connection else IMPLICIT


def masked(text: str, chars_max: int) -> str:
    """Return the text without its secrets, cut.

    Masking comes first: a cut through a secret would leave a half that no mask knows.
    """
    return _clean(text)[:chars_max] if text else ""


@lru_cache(maxsize=64)
def _clean(text: str) -> str:
    """The task of a session comes again with each of its steps."""
    return mask_secrets(text)


def failed_step(tool: str, error: str) -> Step:
    """Return a step that failed."""
    return _with_error(tool_name(tool), ok=False, error=error)


def recent(steps: Iterable[RecentStep]) -> tuple[Step, ...]:
    """Return the steps of a session as its caller tells them."""
    return tuple(
        _with_error(
            tool_name(step.tool),
            ok=_went_well(step, "ok", said=step.ok, error=step.error),
            error=step.error,
        )
        for step in steps
    )


def _went_well(sent: Request, field: str, *, said: bool, error: str) -> bool:
    """An error without a word on success is a failure: the default would teach the opposite."""
    return said and not (error and field not in sent.model_fields_set)


@lru_cache(maxsize=4_096)
def tool_name(tool: str) -> str:
    """Return a tool's name as it is kept: on one line, since replies are lists of lines.

    The few names that an agent has come again and again.
    """
    return " ".join(mask_secrets(tool).split())


def tool_names(tools: Iterable[str]) -> tuple[str, ...]:
    """Return the names as they are kept, each once, without empty ones."""
    return tuple(name for name in dict.fromkeys(map(tool_name, tools)) if name)


def _with_error(tool: str, *, ok: bool, error: str) -> Step:
    if ok:
        return Step(tool, ok)
    text, kind = _kept_error(error)
    return Step(tool, ok, error_template=text, error_class=kind)


@lru_cache(maxsize=128)
def _kept_error(error: str) -> tuple[str, str]:
    """Return template and class: the recent steps of a session come again at each question."""
    clean = mask_secrets(error)
    return template(clean), error_class(clean)


def _step(sent: Interaction) -> Step:
    ok = _went_well(sent, "success", said=sent.success, error=sent.error)
    text, kind = _kept_error(sent.error) if sent.error or not ok else (None, None)
    return Step(
        tool=tool_name(sent.tool_used),
        ok=ok,
        number=sent.step,
        error_template=text,
        error_class=kind,
        recovery=tool_name(sent.recovery_action) or None,
        method=tool_name(sent.method) or None,
        seconds=sent.execution_time,
        tokens=sent.tokens,
        arguments=_arguments(sent.arguments),
        evidence=sent.evidence,
        call=_call(sent),
    )


def _call(sent: Interaction) -> str | None:
    named = isinstance(sent, RecordedInteraction) and sent.call_id
    return fingerprint("call", named) if named else None


def _arguments(arguments: JsonObject | str) -> str | None:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return masked(text, ARGUMENTS_CHARS_MAX) if arguments else None


def context_key(metadata: JsonObject) -> str:
    """Return the key of the metadata as a context: short plain values, in the order of names."""
    items = [
        mask_secrets(f"{name}={value}")
        for name, value in sorted(metadata.items())
        if isinstance(value, str | int | bool) and len(str(value)) <= CONTEXT_VALUE_CHARS_MAX
    ]
    return fingerprint("metadata", *items[:CONTEXT_ITEMS_MAX]) if items else ""


@lru_cache(maxsize=64)
def text_words(text: str) -> Mapping[str, int]:
    """Return the stems of a task or a message, which comes again with each step of a session."""
    return stems(text)
