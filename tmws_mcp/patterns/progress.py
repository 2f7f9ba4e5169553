"""How far an execution is, told to whoever waits for it.

Carried beside the call: what lies between a transport and the steps has nothing to do with it.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Progress = Callable[[float, float | None, str | None], Awaitable[None]]
"""Given what is done, of how much, and in words; both count steps."""

_waiting: ContextVar[Progress | None] = ContextVar("tmws_mcp_progress", default=None)


@contextmanager
def told_to(progress: Progress) -> Iterator[None]:
    """Tell how far executions within the block are."""
    before = _waiting.set(progress)
    try:
        yield
    finally:
        _waiting.reset(before)


async def tell(done: int, total: int, step: str) -> None:
    """Say that another step has ended, if anybody wants to know."""
    if progress := _waiting.get():
        await progress(done, total, f"{step} ended")
