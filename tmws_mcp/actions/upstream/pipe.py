"""A server's process, spoken to in lines over its standard streams, within bounds.

The SDK's own transport puts a line together without a bound, and at a cost that grows with the
square of its length: a reply of 100 MB stops the event loop for minutes. Here a message that is too
long, or too many of them, end the process. What it says on stderr is kept to explain its end.
"""

import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import anyio
from anyio.abc import ByteReceiveStream, Process
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from tmws_mcp.actions.command import end_group, terminate_group
from tmws_mcp.actions.lookup import found_program
from tmws_mcp.errors import ActionError

MESSAGES_SECOND_MAX = 1_000
"""More than a busy server sends, and few enough to leave time for everything else."""
ERROR_BYTES_KEPT = 2_000
LAST_WORDS_SECONDS_MAX = 0.5
CLOSING_SECONDS_MAX = 2.0
TERMINATING_SECONDS_MAX = 2.0
QUEUED_MAX = 16

Received = MemoryObjectSendStream[SessionMessage | Exception]
ToSend = MemoryObjectReceiveStream[SessionMessage]
Streams = tuple[
    MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]
]


@dataclass
class Pipe:
    """A transport of the SDK's client: enter it once, and the process runs until it is left."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    folder: Path | None
    message_bytes_max: int
    gone: anyio.Event = field(default_factory=anyio.Event)
    """Set when the process has closed its output, or was made to."""
    why: str = ""
    """What ended it, where that was not we."""
    _said: bytearray = field(default_factory=bytearray)
    _heard: anyio.Event = field(default_factory=anyio.Event)

    def reason(self) -> str:
        """Say why it is gone, with the last line that it wrote to stderr."""
        lines = self._said.decode("utf-8", "replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"{self.why or 'it ended'}{f' ({last[:200]})' if last else ''}"

    async def __aenter__(self) -> Streams:
        self._block = self._open()
        return await self._block.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return await self._block.__aexit__(kind, error, trace)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Streams]:
        process = await self._started()
        received, from_server = anyio.create_memory_object_stream[SessionMessage | Exception](
            QUEUED_MAX
        )
        to_server, to_send = anyio.create_memory_object_stream[SessionMessage](QUEUED_MAX)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._read, process, received)
                tasks.start_soon(_write, process, to_send)
                tasks.start_soon(self._listen, process)
                yield from_server, to_server
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await _close(process)
            for stream in (received, from_server, to_server, to_send):
                stream.close()

    async def _started(self) -> Process:
        try:
            return await anyio.open_process(
                [self._program(), *self.argv[1:]],
                stdin=subprocess.PIPE,
                cwd=self.folder,
                env=dict(self.environment),
                start_new_session=sys.platform != "win32",
            )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise ActionError(f"{self.argv[0]} cannot be started: {why}.") from error

    def _program(self) -> str:
        """Return where the program lies; one that is written with its folder is meant so."""
        name = self.argv[0]
        found = found_program(name, self.environment)
        if found is None and Path(name).name == name:
            raise ActionError(f"{name} cannot be started: it is not installed where PATH looks.")
        return found or name

    async def _read(self, process: Process, received: Received) -> None:
        """Hand on each line as a message, until there are no more or too many."""
        assert process.stdout is not None
        async with received:
            try:
                await self._hand_on(BufferedByteReceiveStream(process.stdout), received)
            except anyio.DelimiterNotFound:
                self.why = f"it sent a message of more than {self.message_bytes_max:,} bytes"
            except (anyio.IncompleteRead, anyio.EndOfStream, anyio.BrokenResourceError, OSError):
                self.why = "it ended"
            end_group(process)
            # Those who wait for an answer are told why there will be none: its last words.
            with anyio.move_on_after(LAST_WORDS_SECONDS_MAX):
                await self._heard.wait()
            self.gone.set()

    async def _hand_on(self, lines: BufferedByteReceiveStream, received: Received) -> None:
        pace = Pace(MESSAGES_SECOND_MAX)
        while True:
            line = await lines.receive_until(b"\n", self.message_bytes_max)
            if not pace.holds(anyio.current_time()):
                self.why = f"it sent more than {MESSAGES_SECOND_MAX:,} messages in a second"
                return
            if line.strip():
                await received.send(_message(line))

    async def _listen(self, process: Process) -> None:
        """Read stderr to its end and keep the latest of it: a full pipe would block the server."""
        assert process.stderr is not None
        await _keep_latest(process.stderr, self._said)
        self._heard.set()


class Pace:
    """How many came within this second."""

    def __init__(self, most: int) -> None:
        self._most, self._since, self._count = most, 0.0, 0

    def holds(self, now: float) -> bool:
        """Count one more; False where they are too many."""
        if now - self._since >= 1:
            self._since, self._count = now, 0
        self._count += 1
        return self._count <= self._most


def _message(line: bytes) -> SessionMessage | Exception:
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:  # servers print to stdout what belongs to stderr
        return error


async def _write(process: Process, to_send: ToSend) -> None:
    assert process.stdin is not None
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        async with to_send:
            async for message in to_send:
                text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                await process.stdin.send(text.encode() + b"\n")


async def _keep_latest(stream: ByteReceiveStream, kept: bytearray) -> None:
    with suppress(anyio.BrokenResourceError, OSError):
        async for chunk in stream:
            kept += chunk
            del kept[:-ERROR_BYTES_KEPT]


async def _close(process: Process) -> None:
    """End the process as the protocol asks: close its input, wait, terminate, wait, kill."""
    assert process.stdin is not None
    with suppress(anyio.BrokenResourceError, OSError):
        await process.stdin.aclose()
    for seconds, then in (
        (CLOSING_SECONDS_MAX, terminate_group),
        (TERMINATING_SECONDS_MAX, end_group),
    ):
        with anyio.move_on_after(seconds):
            await process.wait()
        # Also where it has ended: what it started may not have.
        then(process)
    _let_go(process)
    with anyio.move_on_after(TERMINATING_SECONDS_MAX):
        await process.aclose()


def _let_go(process: Process) -> None:
    """Close our ends of its pipes: what left its group may hold the others, and never ends.

    asyncio waits for both ends, and anyio offers no way to its transport; uvloop has another kind.
    """
    transport = getattr(getattr(process, "_process", None), "_transport", None)
    close = getattr(transport, "close", None)
    if callable(close):
        with suppress(PermissionError):
            close()
