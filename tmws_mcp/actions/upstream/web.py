"""A server behind streamable HTTP: the SDK's transport, with a bound on what a reply may hold."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp.client.streamable_http import streamable_http_client

from tmws_mcp.actions.upstream.config import ServerConfig

CONNECT_SECONDS_MAX = 10.0
READ_SECONDS_MAX = 300.0
"""For a stream on which nothing need come; a call has its own, shorter limit."""


class TooMuch(httpx2.StreamError):
    """A reply is longer than is read of it."""


class BoundedStream(httpx2.AsyncByteStream):
    """A body that may have so many bytes."""

    def __init__(self, stream: httpx2.AsyncByteStream, bytes_max: int) -> None:
        self._stream, self._bytes_max = stream, bytes_max

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._stream:
            read += len(chunk)
            if read > self._bytes_max:
                raise TooMuch(f"more than {self._bytes_max:,} bytes")
            yield chunk

    async def aclose(self) -> None:
        """Close the connection below."""
        await self._stream.aclose()


class BoundedTransport(httpx2.AsyncHTTPTransport):
    """Bounds what is read whole; of an event stream, the SDK bounds each event."""

    def __init__(self, bytes_max: int) -> None:
        super().__init__()
        self._bytes_max = bytes_max

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request."""
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise TooMuch("compressed, which was not asked for")
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            assert isinstance(response.stream, httpx2.AsyncByteStream)
            response.stream = BoundedStream(response.stream, self._bytes_max)
        return response


@asynccontextmanager
async def web(config: ServerConfig, message_bytes_max: int) -> AsyncIterator[Any]:
    """Give the streams of a server at a URL."""
    # A few compressed bytes can stand for gigabytes.
    headers = {**config.headers, "accept-encoding": "identity"}
    timeout = httpx2.Timeout(READ_SECONDS_MAX, connect=CONNECT_SECONDS_MAX)
    transport = BoundedTransport(message_bytes_max)
    async with (
        httpx2.AsyncClient(headers=headers, timeout=timeout, transport=transport) as client,
        streamable_http_client(
            config.url, http_client=client, max_sse_event_size=message_bytes_max
        ) as streams,
    ):
        yield streams
