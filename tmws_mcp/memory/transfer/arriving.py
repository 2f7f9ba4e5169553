"""Import: memories of an export become rows of this store, once however often it is repeated.

An export of ours comes back as it was. Its links may lead to lines that are yet to come, so that
the file is gone through twice: `put_back` writes the rows, those that something newer replaces
held back from all queries, and `link_back` ties them together. Each call is one transaction; one
that was cut off is made good by the next run. Memories of other servers go the way of
store_memory, duplicates and all.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tmws_mcp.memory.lifecycle import embed, index_missing
from tmws_mcp.memory.remember import Told, remember_many
from tmws_mcp.memory.repeats import AREA
from tmws_mcp.memory.row import is_question, new_uids, seconds, text_hash
from tmws_mcp.memory.upkeep.quota import UNLIMITED, Limits
from tmws_mcp.memory.upkeep.quota import check as check_quota
from tmws_mcp.model import Origin, Scope
from tmws_mcp.model.transfer import Foreign, Kept
from tmws_mcp.store import (
    archives,
    leaving,
    memories,
    namespaces,
    origins,
    usage,
    versions,
)
from tmws_mcp.store.driver import Connection

if TYPE_CHECKING:
    from tmws_mcp.embedding.embedder import Embedder

Renamed = dict[str, str]
"""Ids of the file -> ids here, where they differ."""


def take_in(
    db: Connection,
    batch: Sequence[Foreign],
    scope: Scope,
    *,
    embedder: "Embedder | None",
    now: float,
    limits: Limits = UNLIMITED,
) -> Counter[str]:
    """Store memories of another server, in bulk."""
    told = [
        (
            foreign.request,
            Told(
                now=min(now if foreign.created_at is None else foreign.created_at, now),
                origin=Origin(trust="import", via=foreign.via),
                limits=limits,
            ),
        )
        for foreign in batch
    ]
    replies = remember_many(db, told, scope, embedder=embedder)
    return Counter("created" if reply.created else "known" for reply in replies)


def judge(db: Connection, memory: Kept, now: float) -> str:
    """Say what a line would become: created, known, forgotten or renamed."""
    ns = namespaces.find(db, memory.namespace)
    there = leaving.known(db, memory.id)
    digest = text_hash(memory.content)
    if there is not None and (there[1], there[2]) == (ns, digest):
        return "forgotten" if there[3] and memory.forgotten_at is None else "known"
    current = not (memory.superseded_by or memory.archived or memory.forgotten_at)
    if current and ns is not None and memories.same_text(db, ns, digest, now):
        return "known"
    return "renamed" if there is not None else "created"


def judge_foreign(db: Connection, foreign: Foreign, scope: Scope, now: float) -> str:
    """Say what a memory of another server would become: created or known."""
    ns = namespaces.find(db, scope.namespace)
    digest = text_hash(foreign.request.content)
    known = ns is not None and memories.same_text(db, ns, digest, now)
    return "known" if known else "created"


def put_back(
    db: Connection,
    batch: Sequence[Kept],
    *,
    embedder: "Embedder | None",
    now: float,
    renamed: Renamed,
    limits: Limits = UNLIMITED,
) -> Counter[str]:
    """Write the memories of an export that are not there yet; links follow by `link_back`.

    Raises:
        QuotaReached: A namespace was full before; it is looked at once for each batch.
    """
    for name in {memory.namespace for memory in batch}:
        if (space := namespaces.find(db, name)) is not None:
            check_quota(db, space, limits)
    counts: Counter[str] = Counter()
    fresh: dict[int, list[int]] = {}
    for memory in batch:
        verdict = judge(db, memory, now)
        counts[verdict] += 1
        if verdict in ("created", "renamed"):
            ns, key = _insert(db, memory, renamed, taken=verdict == "renamed", now=now)
            fresh.setdefault(ns, []).append(key)
    for ns, keys in fresh.items():
        _index(db, ns, keys, embedder)
    return counts


def _index(db: Connection, ns: int, keys: Sequence[int], embedder: "Embedder | None") -> None:
    index_missing(db, ns, keys)
    embed(db, ns, keys, embedder)
    namespaces.touch(db, ns, AREA)


def _insert(
    db: Connection, memory: Kept, renamed: Renamed, *, taken: bool, now: float
) -> tuple[int, int]:
    ns = namespaces.ensure(db, memory.namespace, now)
    uid = new_uids(db, 1)[0] if taken else memory.id
    if taken:
        renamed[memory.id] = uid
    key = memories.insert(db, _row(db, memory, ns, uid))
    if memory.forgotten_at:
        versions.forget(db, [key], memory.forgotten_at.timestamp())
    if memory.superseded_by or memory.archived:
        leaving.hold_back(db, key)
    if memory.recalls and memory.recalled_at:
        usage.put(db, key, memory.recalls, memory.recalled_at.timestamp())
    return ns, key


def _row(db: Connection, memory: Kept, ns: int, uid: str) -> memories.NewMemory:
    thread, position = None, None
    if memory.thread:
        wanted = memory.position if memory.position is not None else 0
        thread, position = leaving.place(db, ns, memory.thread, wanted)
    origin = Origin(trust=memory.trust, via=memory.via, client=memory.client)
    return memories.NewMemory(
        uid=uid,
        ns=ns,
        thread=thread,
        thread_position=position,
        kind=memory.kind,
        importance=memory.importance,
        persona=memory.persona or None,
        speaker=memory.speaker or None,
        source=memory.source or None,
        occurred_at=seconds(memory.occurred_at),
        expires_at=seconds(memory.expires_at),
        created_at=memory.created_at.timestamp(),
        asks=is_question(memory.content),
        content_hash=text_hash(memory.content),
        content=memory.content,
        tags=memory.tags,
        origin=origins.ensure(db, origin),
    )


def link_back(
    db: Connection,
    batch: Sequence[Kept],
    *,
    embedder: "Embedder | None",
    now: float,
    renamed: Renamed,
) -> None:
    """Tie memories of an export to each other; what is tied already stays as it is."""
    current: dict[int, list[int]] = {}
    for memory in batch:
        there = leaving.known(db, renamed.get(memory.id, memory.id))
        if there is None or there[2] != text_hash(memory.content):
            continue
        key, ns = there[0], there[1]
        _link_similar(db, key, ns, memory, renamed)
        if leaving.held_back(db, key) and _resolve(db, key, ns, memory, renamed, now):
            current.setdefault(ns, []).append(key)
    for ns, keys in current.items():
        _index(db, ns, keys, embedder)


def _link_similar(db: Connection, key: int, ns: int, memory: Kept, renamed: Renamed) -> None:
    links = ((leaving.known(db, renamed.get(uid, uid)), share) for uid, share in memory.similar)
    memories.link(db, key, _present(links, ns))


def _present(
    links: Iterable[tuple[tuple[int, int, bytes, bool] | None, float]], ns: int
) -> list[tuple[int, float]]:
    return [(found[0], share) for found, share in links if found is not None and found[1] == ns]


def _resolve(db: Connection, key: int, ns: int, memory: Kept, renamed: Renamed, now: float) -> bool:
    """Say what stands for a memory that was held back; True where nothing does: it is current."""
    if memory.archived:
        batch = archives.open_batch(db, ns, memory.archived.batch, memory.archived.at.timestamp())
        archives.note(db, batch, key, memory.archived.reason)
    if memory.superseded_by:
        newer = leaving.known(db, renamed.get(memory.superseded_by, memory.superseded_by))
        if newer is not None and newer[1] == ns and newer[0] != key:
            leaving.point(db, key, newer[0])
            return False
    if memory.archived or memories.same_text(db, ns, text_hash(memory.content), now):
        return False
    leaving.point(db, key, None)
    return not memory.forgotten_at
