"""A server in a process of its own, spoken to line by line, so that its very bytes are seen."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

ANSWER_SECONDS_MAX = 60  # a loaded machine takes seconds to import the SDK
EXIT_SECONDS_MAX = 10
LINE_BYTES_MAX = 2**24
TMWS = (sys.executable, "-m", "tmws_mcp")
INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "tests", "version": "1"},
}


class Raw:
    """A running server."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self._stdin = process.stdin
        self._stdout = BufferedByteReceiveStream(process.stdout)

    async def send(self, line: bytes) -> None:
        await self._stdin.send(line + b"\n")

    async def ask(self, method: str, params: object, request_id: int | str = 1) -> None:
        message = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
        await self.send(json.dumps(message).encode())

    async def call(self, name: str, arguments: object, request_id: int | str = 1) -> None:
        await self.ask("tools/call", {"name": name, "arguments": arguments}, request_id)

    async def answer(self) -> dict[str, Any]:
        """Return the next line; each must be JSON, or something foreign was written."""
        with anyio.fail_after(ANSWER_SECONDS_MAX):
            line = await self._stdout.receive_until(b"\n", LINE_BYTES_MAX)
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def initialize(self) -> None:
        await self.ask("initialize", INITIALIZE, "start")
        assert (await self.answer())["result"]["serverInfo"]["name"] == "tmws-mcp"
        await self.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')

    async def close_input(self) -> None:
        await self._stdin.aclose()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def exit_code(self) -> int:
        with anyio.fail_after(ANSWER_SECONDS_MAX):
            return await self.process.wait()


def environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a server whose store is in `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TMWS_")}
    return {**kept, "TMWS_HOME": str(home), "TMWS_EMBEDDER": "none", **(more or {})}


@asynccontextmanager
async def raw_server(
    home: Path,
    command: tuple[str, ...] = TMWS,
    more: Mapping[str, str] | None = None,
    stderr: int = subprocess.DEVNULL,
) -> AsyncIterator[Raw]:
    """Start a server, and end it with the block if it still runs."""
    process = await anyio.open_process(
        command, env=environment(home, more), stderr=stderr, cwd=home
    )
    async with process:
        try:
            yield Raw(process)
        finally:
            with anyio.CancelScope(shield=True):
                await _ended(process)


async def _ended(process: Process) -> None:
    """End a server that still runs, gently first: what it covers is then counted."""
    if process.returncode is None:
        process.terminate()
    with anyio.move_on_after(EXIT_SECONDS_MAX):
        await process.wait()
        return
    process.kill()
