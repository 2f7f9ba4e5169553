"""Ending in good order: calls at work are answered, and streams that would never end are ended.

A client that listens (server-sent events, subscriptions) keeps its request open for hours. Whoever
waits for it would wait for ever, and whoever cuts the connection leaves the client with half a
message. So such requests are known here, and get a proper last chunk when the process is to end.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

from tmws_mcp.web.headers import header

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    Until = Callable[[Scope], Awaitable[None]]

LISTENS = "subscriptions/listen"
"""The method of revision 2026-07-28 that only listens; clients repeat it in a header."""


class Draining:
    """Whether the process is about to end, and the streams that have to end before it."""

    def __init__(self) -> None:
        self.begun = False
        self._streams: set[anyio.CancelScope] = set()

    def begin(self) -> None:
        """End all streams, and have new ones end at once."""
        self.begun = True
        for stream in self._streams:
            stream.cancel()

    @contextmanager
    def stream(self) -> Iterator[anyio.CancelScope]:
        """Run the block until the process is to end."""
        with anyio.CancelScope() as scope:
            self._streams.add(scope)
            try:
                if self.begun:
                    scope.cancel()
                yield scope
            finally:
                self._streams.discard(scope)

    @property
    def streams(self) -> int:
        """How many are open."""
        return len(self._streams)


class EndsStreams:
    """Middleware: gives each stream its end.

    `until` waits until a stream has to end sooner, as with the token that it was opened with.
    """

    def __init__(self, app: "ASGIApp", draining: Draining, until: "Until | None" = None) -> None:
        self._app, self._draining, self._until = app, draining, until

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve a request, a stream until the process is to end."""
        if scope["type"] != "http" or not _listens(scope):
            await self._app(scope, receive, send)
            return
        open_response = False

        async def noting(message: "Message") -> None:
            nonlocal open_response
            await send(message)
            open_response = message["type"] == "http.response.start" or message.get(
                "more_body", False
            )

        with self._draining.stream() as stream:
            async with anyio.create_task_group() as tasks:
                if self._until is not None:
                    tasks.start_soon(_end, stream, self._until, scope)
                await self._app(scope, receive, noting)
                tasks.cancel_scope.cancel()
        if stream.cancelled_caught and open_response:
            await send({"type": "http.response.body", "body": b""})


async def _end(stream: anyio.CancelScope, until: "Until", scope: "Scope") -> None:
    await until(scope)
    stream.cancel()


def _listens(scope: "Scope") -> bool:
    if scope["method"] == "GET":
        return "text/event-stream" in header(scope, b"accept")
    return header(scope, b"mcp-method") == LISTENS
