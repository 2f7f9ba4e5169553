"""A row of the store -> a memory as callers see it."""

from datetime import UTC, datetime
from typing import cast

from tmws_mcp.model import Memory, MemoryKind, Trust
from tmws_mcp.store.memories import Record


def moment(seconds: float) -> str:
    """Return a time as ISO 8601 in UTC.

    >>> moment(1683540960.0)
    '2023-05-08T10:16:00Z'
    """
    when = datetime.fromtimestamp(seconds, UTC)
    return when.isoformat(timespec="auto").replace("+00:00", "Z")


def shown(record: Record, *, score: float | None = None, matched: tuple[str, ...] = ()) -> Memory:
    """Return a memory in full."""
    return Memory.model_construct(
        id=record.uid,
        content=record.content,
        score=score,
        created_at=moment(record.created_at),
        occurred_at=None if record.occurred_at is None else moment(record.occurred_at),
        tags=record.tags,
        kind=cast("MemoryKind", record.kind),
        importance=record.importance,
        namespace=record.namespace,
        persona=record.persona,
        speaker=record.speaker,
        thread=record.thread,
        source=record.source,
        expires_at=None if record.expires_at is None else moment(record.expires_at),
        supersedes=record.supersedes,
        versions=record.versions,
        superseded_by=record.superseded_by,
        newest=record.newest,
        archived=record.archived,
        trust=cast("Trust", record.trust),
        via=record.via or None,
        client=record.client or None,
        similar_to=record.similar_to,
        matched=matched,
    )
