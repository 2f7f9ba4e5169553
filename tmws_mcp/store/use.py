"""How busy the store's connections are: counted by whoever runs on them."""

import threading
import time
from dataclasses import dataclass, field

from tmws_mcp.measures import Measures


@dataclass
class Use:
    """Seconds since the store was opened: worked by the connections, and waited for them."""

    since: float = field(default_factory=time.perf_counter)
    writing: float = 0.0
    reading: float = 0.0
    waited: float = 0.0
    calls: int = 0
    measures: Measures = field(default_factory=Measures)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, writes: bool, *, waited: float, worked: float) -> None:  # noqa: FBT001
        """Add a call, on the thread that has run it."""
        with self._lock:
            self.calls += 1
            self.waited += waited
            if writes:
                self.writing += worked
            else:
                self.reading += worked
        connection = "writer" if writes else "reader"
        self.measures.time("store", worked, connection=connection)
        self.measures.time("store_wait", waited, connection=connection)

    def shares(self, readers: int) -> tuple[float, float]:
        """Return the share of the time in which the writer and the readers have worked."""
        span = max(time.perf_counter() - self.since, 1e-9)
        return min(self.writing / span, 1.0), min(self.reading / span / readers, 1.0)
