"""A file's notes are followed: stored, replaced where they changed, forgotten where they went.

A note is known by its file (the thread) and its place in it (the source). Replacing keeps the older
version behind the newer one, and what went can be brought back like all that is forgotten.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tmws_mcp.memory.lifecycle import forget
from tmws_mcp.memory.remember import Told, remember_many
from tmws_mcp.model import ForgetRequest, Scope, StoreRequest
from tmws_mcp.model.base import NAME_CHARS_MAX
from tmws_mcp.model.memory import IDS_MAX
from tmws_mcp.store import namespaces, threads
from tmws_mcp.store.driver import Connection

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder

FOLLOWED_AT_ONCE = 200
"""Notes of one transaction."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file's notes mean for the store."""

    new: tuple[StoreRequest, ...]
    """New ones, and those that replace another."""
    known: int
    gone: tuple[str, ...]
    """Ids of memories whose notes are not in the file any more."""

    @property
    def replacing(self) -> int:
        """How many of the new ones replace another."""
        return sum(bool(request.supersedes) for request in self.new)


def plan(db: Connection, file: str, notes: Sequence[tuple[str, str]], scope: Scope) -> Plan:
    """Return what has to be done so that the store says what (place, text) of a file say."""
    ns = namespaces.find(db, scope.namespace)
    held = threads.said_in(db, ns, file) if ns is not None else {}
    new: list[StoreRequest] = []
    known = 0
    for place, text in notes:
        source = f"{file}#{place}"[:NAME_CHARS_MAX]
        uid, content = held.pop(source, ("", ""))
        if content == text:
            known += 1
        else:
            new.append(_request(file, source, text, scope, uid))
    return Plan(tuple(new), known, tuple(uid for uid, _ in held.values()))


def _request(file: str, source: str, text: str, scope: Scope, older: str) -> StoreRequest:
    return StoreRequest(
        content=text,
        thread=file,
        source=source,
        namespace=scope.namespace,
        supersedes=older,
        trust="user",
        tags=("note",),
    )


def store(
    db: Connection,
    part: Sequence[StoreRequest],
    scope: Scope,
    told: Told,
    *,
    embedder: "Embedder | None",
) -> int:
    """Store notes of a plan; return how many were there already, said elsewhere."""
    replies = remember_many(db, [(request, told) for request in part], scope, embedder=embedder)
    return sum(not reply.created for reply in replies)


def drop(db: Connection, uids: Sequence[str], scope: Scope, *, now: float) -> None:
    """Forget memories, so that they can be brought back for a while."""
    for begin in range(0, len(uids), IDS_MAX):
        part = tuple(uids[begin : begin + IDS_MAX])
        request = ForgetRequest(ids=part, namespace=scope.namespace)
        forget(db, request, scope, embedder=None, now=now)
