"""How much may be stored: checked before a new memory is written, and told before it is reached.

Archived memories do not count: consolidation makes room without losing anything.
"""

from dataclasses import dataclass

from tmws_mcp.errors import QuotaReached
from tmws_mcp.store import memories, namespaces, overview
from tmws_mcp.store.driver import Connection

MAKE_ROOM = (
    "Nothing was stored. Archive with `tmws-mcp memories consolidate --apply`, forget what is not "
    "needed, or raise the limit."
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the settings allow; 0: as much as the disk holds."""

    memories_max: int = 0
    """Current ones of one namespace."""
    bytes_max: int = 0
    """Of the store's file, without its free pages."""


UNLIMITED = Limits()


@dataclass(frozen=True, slots=True)
class Use:
    """How much a limited thing holds."""

    what: str
    used: int
    limit: int

    def __str__(self) -> str:
        return f"{self.used:,} of {self.limit:,} {self.what}"


def check(db: Connection, ns: int, limits: Limits) -> None:
    """See whether a namespace may hold one memory more.

    Raises:
        QuotaReached: It may not, or the store's file may not grow.
    """
    if limits.memories_max and memories.counted(db, ns, limits.memories_max) >= limits.memories_max:
        raise QuotaReached(
            f"This namespace holds {limits.memories_max:,} memories, as many as TMWS_MEMORIES_MAX "
            f"allows. {MAKE_ROOM}"
        )
    if limits.bytes_max and overview.used_bytes(db) >= limits.bytes_max:
        raise QuotaReached(
            f"The store holds {overview.used_bytes(db):,} bytes; TMWS_STORE_BYTES_MAX allows "
            f"{limits.bytes_max:,}. {MAKE_ROOM}"
        )


def use(db: Connection, namespace: str, limits: Limits) -> tuple[Use, ...]:
    """Return how much of each limit that is set is used."""
    found = []
    if limits.memories_max:
        ns = namespaces.find(db, namespace)
        held = 0 if ns is None else memories.counted(db, ns, limits.memories_max)
        found.append(Use(f"memories in {namespace}", held, limits.memories_max))
    if limits.bytes_max:
        found.append(Use("bytes", overview.used_bytes(db), limits.bytes_max))
    return tuple(found)
