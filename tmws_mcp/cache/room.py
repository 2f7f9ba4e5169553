"""How much a cache may hold: more for as long as what had to leave is asked for again.

A cache that keeps what nobody asks for twice wastes memory, and one that is too small makes the
same anew. So a miss of what left for want of room is told from other misses; where they are more
than a hundredth of what is asked, there is twice as much room, up to a limit, and where little of
it is used, there is half as much again.
"""

from dataclasses import dataclass

FIT_SECONDS = 60.0
"""So often room is compared with need."""
SCALE_MAX = 4
"""Room grows up to so many times what a cache begins with, and shrinks back to that."""
ASKED_MIN = 100
"""Fewer questions in a minute say nothing of a hundredth of them."""
LACKED_SHARE_MIN = 0.01
SPARE = 4
"""Half of the room is taken back where less than one part in so many is used."""


@dataclass(slots=True)
class Room:
    """The limits of a cache, and what was asked of it since they were last fitted."""

    entries_base: int
    bytes_base: int
    scale: int = 1
    asked: int = 0
    lacked: int = 0
    """Misses of what had left for want of room."""

    @property
    def entries_max(self) -> int:
        """How many entries there may be."""
        return self.entries_base * self.scale

    @property
    def bytes_max(self) -> int:
        """How many bytes they may have together."""
        return self.bytes_base * self.scale

    def fit(self, entries: int, held: int) -> None:
        """Double or halve the room by what was asked since the last time; begin to count anew.

        `entries` and `held` (bytes) are what the cache holds now.
        """
        if self.asked >= ASKED_MIN and self.lacked > LACKED_SHARE_MIN * self.asked:
            self.scale = min(2 * self.scale, SCALE_MAX)
        elif SPARE * entries < self.entries_max and SPARE * held < self.bytes_max:
            self.scale = max(self.scale // 2, 1)
        self.asked = self.lacked = 0
