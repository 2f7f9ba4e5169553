"""What this process has recalled: to recognise it when it comes back, and to count its use.

Recalling only reads the store, so that the counts are written later, by maintenance and at the end.
Those of a process that is killed are lost: they may break ties, and promise nothing.
"""

from tmws_mcp.errors import StoreError
from tmws_mcp.memory.upkeep import echo
from tmws_mcp.model import RecallReply
from tmws_mcp.store import usage
from tmws_mcp.store.database import Database
from tmws_mcp.telemetry import get_logger

COUNTED_MAX = 10_000
"""Memories whose recalls wait to be written; further ones are not counted."""

log = get_logger("engine")


class Recalls:
    """What was shown lately, and how often each memory since the counts were last written."""

    def __init__(self) -> None:
        self._ring = echo.Ring()
        self._counts: dict[str, tuple[int, float]] = {}

    def known(self, now: float) -> echo.Known:
        """Return a look-up of the texts that were shown."""
        return self._ring.known(now)

    def note(self, reply: RecallReply, now: float) -> None:
        """Keep in mind what a reply shows."""
        for memory in reply.memories:
            self._ring.note(memory.id, memory.content, now)
            if memory.id in self._counts or len(self._counts) < COUNTED_MAX:
                times, _ = self._counts.get(memory.id, (0, now))
                self._counts[memory.id] = (times + 1, now)

    async def write_down(self, store: Database) -> None:
        """Add the counts to the store; what fails is logged, and not tried again."""
        counts, self._counts = self._counts, {}
        if not counts:
            return
        try:
            await store.write(usage.count_recalls, counts)
        except StoreError as error:
            log.info("recalls.not_counted", error=type(error).__name__)
