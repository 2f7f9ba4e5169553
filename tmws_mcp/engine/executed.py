"""Executions on their way to what learns of them, so that no answer waits for a write.

What was executed is written a moment after its answer was given, all that waits in one transaction.
Whoever looks at what was learned waits for it, and so does whoever executes while too much waits. A
process that is killed loses the executions of that moment; nobody was told that they are kept.
"""

from collections.abc import Awaitable, Callable, Sequence

import anyio
import anyio.abc

from tmws_mcp.errors import TmwsError
from tmws_mcp.learning import executions
from tmws_mcp.model import Scope
from tmws_mcp.model.learned import Execution
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection
from tmws_mcp.telemetry import get_logger

WAITING_MAX = 256
"""So many executions may wait to be written; the next one waits with them."""

log = get_logger("engine.executed")

Waiting = tuple[Execution, Scope, float]


class Executed:
    """The executions that are to be observed."""

    def __init__(
        self,
        tasks: anyio.abc.TaskGroup,
        *,
        store: Callable[[], Awaitable[Database]],
        clock: Callable[[], float],
    ) -> None:
        self._tasks, self._store, self._clock = tasks, store, clock
        self._waiting: list[Waiting] = []
        self._lock = anyio.Lock()
        self._is_writing = False

    async def put(self, execution: Execution, scope: Scope) -> None:
        """Have an execution observed, soon."""
        self._waiting.append((execution, scope, self._clock()))
        if len(self._waiting) >= WAITING_MAX:
            await self.written()
        elif not self._is_writing:
            self._is_writing = True
            self._tasks.start_soon(self._write_soon)

    async def written(self) -> None:
        """Write what waits, and return once it is: that it cannot be fails nobody's call."""
        async with self._lock:
            waiting, self._waiting = self._waiting, []
            if not waiting:
                return
            try:
                await (await self._store()).write(_record, waiting)
            except TmwsError as error:
                lost = len(waiting)
                log.warning("executions.not_observed", error=type(error).__name__, lost=lost)
            except Exception:  # a bug in here must not end the engine that it serves
                log.exception("executions.crashed", lost=len(waiting))

    async def _write_soon(self) -> None:
        try:
            while self._waiting:
                await self.written()
        finally:
            self._is_writing = False


def _record(db: Connection, waiting: Sequence[Waiting]) -> None:
    for execution, scope, now in waiting:
        executions.record(db, execution, scope, now)
