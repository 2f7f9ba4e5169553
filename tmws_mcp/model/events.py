"""What happens in a server, as those hear of it who watch."""

from typing import Literal

from tmws_mcp.model.base import JsonObject, Value

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
