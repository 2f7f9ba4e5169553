"""Export: every field of every memory, one JSON object in a line.

The order is that in which the memories were stored, the keys have one order, and what is empty is
left out: the same memories give the same bytes, whichever store they lie in.
"""

from collections.abc import Callable, Sequence
from typing import Any

from tmws_mcp.errors import NotFound
from tmws_mcp.memory.reply.shown import moment
from tmws_mcp.memory.transfer import formats
from tmws_mcp.model import Scope
from tmws_mcp.store import leaving, memories, namespaces
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.leaving import Extras
from tmws_mcp.store.memories import Record

PAGE = 200

Progress = Callable[[int, int], None]
"""Told how many memories of how many are done."""


def export(
    db: Connection,
    write: Callable[[str], object],
    chosen: Sequence[Scope] = (),
    *,
    forgotten: bool = False,
    progress: Progress = lambda _, __: None,
) -> int:
    """Write the memories of some namespaces, by default of all; return how many.

    Raises:
        NotFound: A namespace does not exist.
    """
    spaces = [_namespace(db, scope) for scope in chosen] or _all(db)
    total = leaving.count(db, spaces, forgotten=forgotten)
    write(formats.header(total) + "\n")
    done, last = 0, 0
    while keys := leaving.page(db, spaces, last, PAGE, forgotten=forgotten):
        for line in _lines(db, keys, forgotten=forgotten):
            write(line + "\n")
        done, last = done + len(keys), keys[-1]
        progress(done, total)
    return done


def _all(db: Connection) -> list[int]:
    return [ns for name in namespaces.names(db) if (ns := namespaces.find(db, name)) is not None]


def _namespace(db: Connection, scope: Scope) -> int:
    found = namespaces.find(db, scope.namespace)
    if found is None:
        known = ", ".join(namespaces.with_known(db, scope).known or ()) or "none"
        raise NotFound("namespace", scope.namespace, remedy=f"There are: {known}.")
    return found


def _lines(db: Connection, keys: Sequence[int], *, forgotten: bool) -> list[str]:
    links = leaving.links(db, keys, forgotten=forgotten)
    both = zip(memories.records(db, keys), leaving.extras(db, keys), strict=True)
    return [
        formats.written(_fields(record, extra, links.get(record.id, ()), forgotten=forgotten))
        for record, extra in both
    ]


def _fields(
    record: Record, extra: Extras, links: Sequence[tuple[str, float]], *, forgotten: bool
) -> dict[str, Any]:
    # Of one whose newer version is forgotten nothing newer is known without those.
    replaced = record.superseded_by if forgotten or not extra.newer_is_forgotten else None
    fields = {
        "id": record.uid,
        "namespace": record.namespace,
        "content": record.content,
        "kind": record.kind,
        "importance": record.importance,
        "created_at": moment(record.created_at),
        "tags": record.tags,
        "persona": record.persona,
        "speaker": record.speaker,
        "source": record.source,
        "thread": record.thread,
        "position": extra.position,
        "occurred_at": _moment(record.occurred_at),
        "expires_at": _moment(record.expires_at),
        "trust": record.trust if record.trust != "agent" else None,
        "via": record.via,
        "client": record.client,
        "superseded_by": replaced,
        "similar": links,
        "archived": _archived(extra),
        "forgotten_at": _moment(extra.forgotten_at),
        "recalls": extra.recalls,
        "recalled_at": _moment(extra.recalled_at),
    }
    return {name: value for name, value in fields.items() if value not in (None, "", ())}


def _archived(extra: Extras) -> dict[str, Any] | None:
    if extra.batch is None:
        return None
    return {"batch": extra.batch, "at": _moment(extra.batch_made_at), "reason": extra.reason}


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else moment(seconds)
