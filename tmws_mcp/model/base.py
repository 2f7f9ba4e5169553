"""The kinds of value and of text that all other values are made of."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from tmws_mcp.errors import InvalidNamespace

JsonObject = dict[str, JsonValue]

NAME_CHARS_MAX = 200
QUERY_CHARS_MAX = 4_000
DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\S+)?")
NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9._/-]{0,78}[a-z0-9])?")


class Value(BaseModel):
    """What travels between packages."""

    model_config = ConfigDict(frozen=True)


class Request(Value):
    """What a caller sends: unknown names are refused, NaN and infinity too."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def storable(text: str) -> str:
    """Return the text if every store, log and client can hold it."""
    if "\0" in text:
        raise ValueError(f"holds a NUL character at position {text.index(chr(0))}; remove it")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"holds half a surrogate pair at position {error.start}") from error
    return text


def storable_name(text: str) -> str:
    """Return a text of unknown origin as a name that every store can hold, cut where it is long.

    >>> storable_name(" Claude  Desktop 1.2")
    'Claude Desktop 1.2'
    """
    clean = text.encode("utf-8", "replace").decode().replace("\0", "")
    return " ".join(clean.split())[:NAME_CHARS_MAX]


def is_date(text: str) -> bool:
    """Whether a text is a day, or a moment of one, in ISO form with its dashes.

    >>> is_date("2026-05-08"), is_date("2026-05-08T10:00Z"), is_date("2026-02-30")
    (True, True, False)
    """
    if DATE.fullmatch(text) is None:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def namespace_name(name: str) -> str:
    """Return the namespace's name in lower case.

    Raises:
        InvalidNamespace: The name is malformed.
    """
    if not NAMESPACE.fullmatch(name.lower()):
        raise InvalidNamespace(name)
    return name.lower()


def _namespace_field(name: str) -> str:
    try:
        return namespace_name(name) if name else ""
    except InvalidNamespace as error:
        raise ValueError(str(error)) from error  # pydantic reports ValueErrors alone


def _as_utc(moment: datetime) -> datetime:
    """Read a time without a zone as UTC: a server has no idea of its caller's zone."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies outside of the years 1 to 9999 in UTC") from error


Text = Annotated[str, AfterValidator(storable)]
Name = Annotated[Text, StringConstraints(max_length=NAME_CHARS_MAX)]
Query = Annotated[Text, StringConstraints(max_length=QUERY_CHARS_MAX)]
Namespace = Annotated[str, AfterValidator(_namespace_field)]
Moment = Annotated[datetime, AfterValidator(_as_utc)]
Share = Annotated[float, Field(ge=0, le=1)]

ScopeSource = Literal["argument", "setting", "project", "default"]


class Scope(Value):
    """Which namespaces a call looked at, and who chose them."""

    namespace: str
    source: ScopeSource
    also: tuple[str, ...] = ()
    """Namespaces recalled along with it."""
    persona: str | None = None
    known: tuple[str, ...] | None = None
    """The namespaces that exist, where the one asked for does not."""
    within: Annotated[tuple[str, ...], SkipJsonSchema(), Field(exclude=True)] = ()
    """The namespaces that the caller may know of, never told; empty: all."""


def shape(value: Any) -> str:
    """Return the JSON name of a value's type, for errors."""
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")
