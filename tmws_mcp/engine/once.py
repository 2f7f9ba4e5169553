"""A thing that is opened once, on first use."""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import anyio

T = TypeVar("T")


class Once(Generic[T]):
    """Opens a value when it is first asked for, once however many ask; a failure is not kept.

    A server must answer `initialize` before anything heavy is loaded, and must say at each call
    what is wrong with a store that cannot be opened, until somebody has mended it.
    """

    def __init__(self, open_it: Callable[[], Awaitable[T]]) -> None:
        self._open = open_it
        self._lock = anyio.Lock()
        self._opened: list[T] = []

    async def __call__(self) -> T:
        """Return the value.

        Raises:
            TmwsError: It could not be opened; the next call tries again.
        """
        if not self._opened:
            async with self._lock:
                if not self._opened:
                    self._opened.append(await self._open())
        return self._opened[0]

    @property
    def opened(self) -> T | None:
        """The value, if it is open."""
        return self._opened[0] if self._opened else None
