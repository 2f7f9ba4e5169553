"""Many interactions that happened elsewhere are observed: in batches, a bad one left out."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import anyio.to_thread

from tmws_mcp.errors import InvalidInput
from tmws_mcp.model import Interaction, ObserveRequest
from tmws_mcp.model.transfer import FileMark

if TYPE_CHECKING:
    from tmws_mcp.engine.engine import Engine

BATCH = 200
"""The write lock is held for some 20 ms; other processes wait no longer."""
PROBLEMS_KEPT_MAX = 100

Batch = tuple[tuple[str, Interaction], ...]
"""Interactions, and where each stands."""


@dataclass
class Taken:
    """What became of the interactions so far."""

    observed: int = 0
    bad: int = 0
    paused: str = ""
    """Why nothing was recorded, where observing is paused."""
    learned: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    tell: Callable[[str], None] = field(default=print, repr=False)
    """Told of a problem at once."""

    def complain(self, problem: str) -> None:
        """Note what could not be taken in; only the first ones are kept and told."""
        self.bad += 1
        if len(self.problems) < PROBLEMS_KEPT_MAX:
            self.problems.append(problem)
            self.tell(problem)


class Files:
    """Files whose interactions are observed one after the other: which of them are done with.

    A file of which something was refused is not: it is read again, and told of again.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, FileMark]] = deque()
        self._observed, self._refused_until = 0, 0

    def read(self, mark: FileMark, *, first: int, end: int) -> None:
        """Note that a file was read whose interactions are these, counted over all files."""
        if first >= self._refused_until:
            self._waiting.append((end, mark))

    def observed(self, count: int, *, refused: bool) -> list[FileMark]:
        """Return the files that are done with once so many interactions more are observed."""
        self._observed += count
        if refused:
            self._waiting.clear()
            self._refused_until = self._observed
        done = []
        while self._waiting and self._waiting[0][0] <= self._observed:
            done.append(self._waiting.popleft()[1])
        return done


async def observe_all(
    engine: "Engine",
    interactions: Iterator[tuple[str, Interaction]],
    taken: Taken,
    *,
    namespace: str,
    connection: str,
    files: Files | None = None,
) -> None:
    """Observe interactions, and end what lives with the connection; note the files they fill."""

    def next_batch() -> Batch:
        return tuple(islice(interactions, BATCH))

    async def note(count: int, *, refused: bool = False) -> None:
        done = files.observed(count, refused=refused) if files else []
        if done and not taken.paused:
            await engine.manage.imported(done, namespace)

    # In a thread: what is read may be slow, and the engine's background work goes on meanwhile.
    while batch := await anyio.to_thread.run_sync(next_batch):
        bad = taken.bad
        await _observe(engine, batch, taken, namespace, connection)
        await note(len(batch), refused=taken.bad > bad)
    await note(0)
    await engine.end_connection(connection)


async def _observe(
    engine: "Engine", batch: Batch, taken: Taken, namespace: str, connection: str
) -> None:
    """Observe a batch; of one that is refused each by itself, so that only the bad are left out."""
    request = ObserveRequest(interactions=tuple(sent for _, sent in batch), namespace=namespace)
    try:
        reply = await engine.observe_interaction(request, connection=connection)
    except InvalidInput as error:
        if len(batch) == 1:
            taken.complain(f"{batch[0][0]}: {error}")
            return
        for one in batch:
            await _observe(engine, (one,), taken, namespace, connection)
        return
    taken.paused = reply.paused or taken.paused
    taken.observed += reply.observed
    taken.learned |= {found.pattern_id for found in reply.learned}
