"""A memory that supersedes another: which one is meant, and what becomes of it."""

from tmws_mcp.errors import InvalidInput
from tmws_mcp.store import archives, memories, vectors, versions
from tmws_mcp.store.driver import Connection

UID_SHOWN_MAX = 64


def replaced(db: Connection, ns: int, uid: str) -> int | None:
    """Return the memory that the new one supersedes.

    Raises:
        InvalidInput: It does not exist in this namespace, or was superseded before.
    """
    if not uid:
        return None
    key = memories.keys_of(db, [uid], [ns]).get(uid)
    if key is None:
        raise InvalidInput(
            f"supersedes names {uid[:UID_SHOWN_MAX]!r}, which this namespace does not hold, so "
            "that nothing was stored. Take the id from recall_memory, or leave supersedes out."
        )
    newer = versions.newer(db, key)
    if newer not in (None, uid):  # an archived memory stands for itself
        raise InvalidInput(
            f"Memory {uid!r} was superseded by {newer!r} before, so that nothing was stored. "
            f"Read {newer!r} with recall_memory, and supersede that one."
        )
    return key


def supersede(db: Connection, older: int, newer: int) -> None:
    """Let a memory stand behind the one that replaces it: found by its id, and by no search."""
    versions.supersede(db, older, newer)
    archives.release(db, [older])
    vectors.withdraw(db, [older])
