"""A memory as it stands in an export: every field, so that another store can hold the same."""

from typing import Annotated

from pydantic import Field, StringConstraints

from tmws_mcp.model.base import Moment, Name, Namespace, Request, Scope, Share, Text, Value
from tmws_mcp.model.memory import CONTENT_CHARS_MAX, MemoryKind, StoreRequest, Tags, Trust

LINKS_MAX = 1_000
POSITION_MAX = 10**9

Uid = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Count = Annotated[int, Field(ge=1, le=10**12)]


class FileMark(Value):
    """A file of another program's records, as it was when it was looked at."""

    file: bytes
    """Fingerprint of the kind of record and the path."""
    size: int
    changed_ns: int
    """When it was last changed, in nanoseconds since 1970."""


class Archived(Request):
    """How a memory was archived."""

    batch: Uid
    at: Moment
    reason: Name


class Kept(Request):
    """A line of an export."""

    id: Uid
    namespace: Annotated[Namespace, StringConstraints(min_length=1)]
    content: Annotated[Text, StringConstraints(min_length=1, max_length=CONTENT_CHARS_MAX)]
    kind: MemoryKind
    importance: Share
    created_at: Moment
    tags: Tags = ()
    persona: Name = ""
    speaker: Name = ""
    source: Name = ""
    thread: Name = ""
    position: Annotated[int | None, Field(ge=0, le=POSITION_MAX)] = None
    occurred_at: Moment | None = None
    expires_at: Moment | None = None
    trust: Trust = "agent"
    via: Name = ""
    client: Name = ""
    superseded_by: Uid | None = None
    similar: Annotated[tuple[tuple[Uid, float], ...], Field(max_length=LINKS_MAX)] = ()
    archived: Archived | None = None
    forgotten_at: Moment | None = None
    recalls: Count | None = None
    recalled_at: Moment | None = None


class Foreign(Value):
    """A memory of another server's export."""

    request: StoreRequest
    created_at: float | None = None
    """Seconds since 1970, where the other server knew."""
    via: str


class Entry(Value):
    """What stands at a place of a file: a memory, or what is wrong there."""

    number: int
    """Of the line, or of the item of a document; counted from 1."""
    memory: Kept | Foreign | None = None
    problem: str = ""


class TakenIn(Value):
    """What became of the entries of an import."""

    created: int = 0
    known: int = 0
    """The store says the same already."""
    forgotten: int = 0
    """Known and forgotten here: left so."""
    renamed: int = 0
    """Of those created: their id belongs to another text here, so that they got a new one."""
    bad: int = 0
    problems: tuple[str, ...] = ()
    format: str = ""
    entries: int = 0
    dry_run: bool = False


class Followed(Value):
    """What became of the notes of files."""

    files: int = 0
    stored: int = 0
    replaced: int = 0
    """Of those stored: in the place of an older one."""
    known: int = 0
    forgotten: int = 0
    """Notes that are not in their file any more."""
    dry_run: bool = False
    scope: Scope
