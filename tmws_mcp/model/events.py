"""What happens in a server, as those hear of it who watch."""

from typing import Annotated, Literal

from pydantic import Field

from tmws_mcp.model.base import JsonObject, Namespace, Request, Value

ALL = "*"
WATCHED_MAX = 50
EventKind = Literal["observed", "learned", "recommended", "executed", "replicated", "alert", "lost"]


class Event(Value):
    """Something that happened. It holds names, ids and figures, never a text that was stored."""

    kind: EventKind
    """`lost`: so many events of this namespace came faster than they were read."""
    namespace: str
    """Empty: it concerns the whole server."""
    at: str
    number: int
    """Counts the events of its namespace."""
    data: JsonObject


class WatchRequest(Request):
    """What to hear of."""

    namespaces: Annotated[tuple[Namespace | Literal["*"], ...], Field(max_length=WATCHED_MAX)] = ()
    """None given: those at hand; `*`: all, with what concerns the whole server."""
    kinds: Annotated[tuple[EventKind, ...], Field(max_length=WATCHED_MAX)] = ()
    """None given: all."""
