"""What stands around a memory's text is changed in place; a new text is a new version of it."""

from typing import Any

from tmws_mcp.errors import InvalidInput, NotFound
from tmws_mcp.memory import row
from tmws_mcp.memory.recall import memory_by_id
from tmws_mcp.memory.repeats import AREA, index_again
from tmws_mcp.model import EditRequest, Memory, Scope
from tmws_mcp.store import memories, namespaces
from tmws_mcp.store.driver import Connection

FOUND_BY = frozenset({"tags", "speaker", "persona"})
"""What the index holds beside the text."""
OUTSIDE = frozenset({"tags", "namespace"})
"""What is no column of the memory's row."""


def edit(db: Connection, uid: str, request: EditRequest, scope: Scope, *, now: float) -> Memory:
    """Change a memory of the scope's own namespace, and return it.

    Raises:
        NotFound: The namespace holds none of that id, or it is forgotten.
        InvalidInput: Nothing is to be changed, or it would have expired.
    """
    given = request.model_fields_set - {"namespace"}
    if not given:
        raise InvalidInput(
            "Nothing is to be changed. Give one of "
            f"{', '.join(sorted(set(EditRequest.model_fields) - {'namespace'}))}."
        )
    if request.expires_at is not None and request.expires_at.timestamp() <= now:
        raise InvalidInput("expires_at has passed. Give a later time, or null for never.")
    ns, key = _place(db, uid, scope)
    memories.edit(db, key, _columns(request))
    if request.tags is not None:
        memories.set_tags(db, ns, key, row.stripped_tags(request.tags))
    if given & FOUND_BY:
        index_again(db, ns, [key])
    namespaces.touch(db, ns, AREA)
    return memory_by_id(db, uid, scope)


def _place(db: Connection, uid: str, scope: Scope) -> tuple[int, int]:
    ns = namespaces.find(db, scope.namespace)
    keys = memories.keys_of(db, [uid], [ns]) if ns is not None else {}
    if ns is None or uid not in keys:
        remedy = "recall_memory gives the ids that exist; name the namespace of another one."
        raise NotFound("memory", uid, remedy=remedy)
    return ns, keys[uid]


def _columns(request: EditRequest) -> dict[str, Any]:
    """Return the columns to set; an empty name takes away what stands there."""
    values: dict[str, Any] = {}
    for name in request.model_fields_set - OUTSIDE:
        value = getattr(request, name)
        if name in ("occurred_at", "expires_at"):
            values[name] = row.seconds(value)
        elif name in ("kind", "importance"):
            if value is not None:
                values[name] = value
        else:
            values[name] = value or None
    return values
