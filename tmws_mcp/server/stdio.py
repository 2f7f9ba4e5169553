"""The stdio transport: one JSON-RPC message in each line, and nothing else on stdout.

The SDK's own transport reads and writes through worker threads: its process dies of SIGTERM without
closing anything, hangs after SIGINT until stdin is closed, and needs twice the time for a call.
Here the event loop waits for the descriptors themselves. Windows has no such wait for pipes: there
the SDK's transport serves.
"""

import os
import signal
import sys
from typing import Any

import anyio
import anyio.lowlevel
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.mcpserver import MCPServer
from mcp.shared.message import SessionMessage
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    RequestId,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from tmws_mcp.server.descriptors import claim_standard_streams
from tmws_mcp.server.lines import LINE_BYTES_MAX, Line, Lines

CHUNK_BYTES = 2**16
QUEUED_MAX = 16  # messages in each direction; then the sender waits
DRAIN_SECONDS_MAX = 0.5  # for answers that are ready when the client closes its end


async def serve_stdio(server: MCPServer[Any]) -> None:
    """Serve one client until it closes our input, or SIGTERM or SIGINT comes.

    It claims the standard streams for good: the caller has to end the process afterwards.
    """
    if sys.platform == "win32":
        await server.run_stdio_async()
        return
    source, target = claim_standard_streams()
    received, from_client = anyio.create_memory_object_stream[SessionMessage | Exception](
        QUEUED_MAX
    )
    answers, to_client = anyio.create_memory_object_stream[SessionMessage](QUEUED_MAX)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_stop_on_signal, tasks.cancel_scope)
        tasks.start_soon(_read_messages, source, received, answers.clone())
        written = anyio.Event()
        tasks.start_soon(_write_messages, to_client, target, written, tasks.cancel_scope)
        lowlevel = server._lowlevel_server  # noqa: SLF001 - the only way to own the streams
        await lowlevel.run(from_client, answers, lowlevel.create_initialization_options())
        with anyio.move_on_after(DRAIN_SECONDS_MAX):
            await written.wait()
        tasks.cancel_scope.cancel()


async def _stop_on_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            scope.cancel()


async def _read_messages(
    source: int,
    received: MemoryObjectSendStream[SessionMessage | Exception],
    answers: MemoryObjectSendStream[SessionMessage],
) -> None:
    """Hand each line to the server; what is no message is answered here."""
    lines = Lines()
    async with received, answers:
        while chunk := await _read(source):
            for line in lines.feed(chunk):
                await _receive(line, received, answers)
        for line in lines.finish():
            await _receive(line, received, answers)


async def _read(source: int) -> bytes:
    """Return what has come, once something has; nothing at the end of input."""
    try:
        await anyio.wait_readable(source)
    except PermissionError:  # a file can be read at any time, so that epoll refuses to wait for it
        await anyio.lowlevel.checkpoint()
    try:
        return os.read(source, CHUNK_BYTES)
    except OSError:  # a terminal or a socket that has gone
        return b""


async def _receive(
    line: Line,
    received: MemoryObjectSendStream[SessionMessage | Exception],
    answers: MemoryObjectSendStream[SessionMessage],
) -> None:
    if line.too_long:
        text = f"The message has more than {LINE_BYTES_MAX // 2**20} MiB. Send less at once."
        await answers.send(_error(line.request_id(), INVALID_REQUEST, text))
        return
    try:
        message = jsonrpc_message_adapter.validate_json(line.data, by_name=False)
    except ValidationError as error:
        await answers.send(_complaint(line, error))
    else:
        await received.send(SessionMessage(message))


def _complaint(line: Line, error: ValidationError) -> SessionMessage:
    first = error.errors(include_url=False)[0]
    if first["type"] == "json_invalid":
        # Under the id that it seems to have: half a surrogate pair in an argument is no JSON to us,
        # and the client would wait for ever.
        return _error(
            line.request_id(), PARSE_ERROR, f"The line is not valid JSON: {first['ctx']['error']}"
        )
    return _error(line.request_id(), INVALID_REQUEST, "The line is not a JSON-RPC 2.0 message")


def _error(request_id: RequestId | None, code: int, text: str) -> SessionMessage:
    error = ErrorData(code=code, message=text)
    return SessionMessage(JSONRPCError(jsonrpc="2.0", id=request_id, error=error))


async def _write_messages(
    answers: MemoryObjectReceiveStream[SessionMessage],
    target: int,
    written: anyio.Event,
    scope: anyio.CancelScope,
) -> None:
    """Write each answer as a line, until there are no more or the client does not want them."""
    try:
        async with answers:
            async for answer in answers:
                await _write(target, _encoded(answer))
    except OSError:  # the client has closed its end
        scope.cancel()
    written.set()


def _encoded(answer: SessionMessage) -> bytes:
    try:
        text = answer.message.model_dump_json(by_alias=True, exclude_unset=True)
    except PydanticSerializationError:  # half a surrogate pair, out of a file's name
        request_id = getattr(answer.message, "id", None)
        return _encoded(_error(request_id, INTERNAL_ERROR, "The result is not valid Unicode"))
    return text.encode() + b"\n"


async def _write(target: int, data: bytes) -> None:
    """Write all of it, waiting for a client that reads slowly without holding up the others."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(target, rest) :]
        except BlockingIOError:
            await anyio.wait_writable(target)
