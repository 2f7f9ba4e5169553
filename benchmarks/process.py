"""A server in a process of its own, spoken to in raw MCP over its pipes.

Raw, since what is measured is the server: the SDK's client needs half a second to import, as much
as a server. Every wait has a bound. POSIX only (`wait4`, `select` on pipes).
"""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PROTOCOL = "2025-11-25"
ANSWER_SECONDS_MAX = 60.0
EXIT_SECONDS_MAX = 10.0
CHUNK_BYTES = 1 << 16
TMWS = (sys.executable, "-m", "tmws_mcp")
BARE = (sys.executable, "-m", "benchmarks.bare_server")
"""The least that a server on the SDK can be."""
SHOWN_LOG_CHARS_MAX = 2_000


def rss_bytes(pid: int) -> int:
    """Return the memory that a process holds now."""
    status = Path(f"/proc/{pid}/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    shown = ["ps", "-o", "rss=", "-p", str(pid)]
    return int(subprocess.run(shown, capture_output=True, check=True).stdout) * 1024


class ServerError(Exception):
    """The server ended, kept silent for too long, or refused a call."""


class ServerProcess:
    """A running server. Use `with ServerProcess(command, environment) as server`."""

    def __init__(
        self, command: Sequence[str] = TMWS, environment: Mapping[str, str] | None = None
    ) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close
        self._unread = b""
        self._requests = 0
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **(environment or {})},
            bufsize=0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def initialize(self) -> dict[str, Any]:
        """Do the handshake and return what the server says of itself."""
        client = {"name": "tmws-benchmarks", "version": "1"}
        params = {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": client}
        answer = self.request("initialize", params)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer

    def request(self, method: str, params: Mapping[str, object]) -> dict[str, Any]:
        """Send a request and return its result.

        Raises:
            ServerError: There is none.
        """
        number = self.post(method, params)
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        while True:
            message = json.loads(self._line(deadline))
            if message.get("id") != number:
                continue
            if "error" in message:
                raise ServerError(f"{method}: {message['error']}")
            result: dict[str, Any] = message["result"]
            return result

    def post(self, method: str, params: Mapping[str, object]) -> int:
        """Send a request without waiting for its answer, and return its id."""
        self._requests += 1
        self._send(
            {"jsonrpc": "2.0", "id": self._requests, "method": method, "params": dict(params)}
        )
        return self._requests

    def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call a tool and return its structured result.

        Raises:
            ServerError: The tool failed; the message is the tool's.
        """
        result = self.request("tools/call", {"name": tool, "arguments": arguments})
        if result.get("isError"):
            raise ServerError(result["content"][0]["text"])
        structured: dict[str, Any] = result["structuredContent"]
        return structured

    def rss_bytes(self) -> int:
        """Return the memory that the process holds now."""
        return rss_bytes(self.process.pid)

    def kill(self) -> float:
        """Kill it without warning, as `kill -9` does, and return the CPU seconds it has used."""
        self.process.kill()
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self._forget()
        return used.ru_utime + used.ru_stime

    def close(self) -> None:
        """End it as a client does: close its input, and kill it only if it lingers."""
        if self.process.returncode is not None:
            return
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.process.wait(EXIT_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._forget()

    def _send(self, message: Mapping[str, object]) -> None:
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
        except BrokenPipeError as error:
            raise ServerError(f"The server has ended. Its log: {self._log()}") from error

    def _line(self, deadline: float) -> bytes:
        assert self.process.stdout
        while b"\n" not in self._unread:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise ServerError(f"No answer in {ANSWER_SECONDS_MAX:g} s. Its log: {self._log()}")
            chunk = os.read(self.process.stdout.fileno(), CHUNK_BYTES)
            if not chunk:
                raise ServerError(f"The server has ended. Its log: {self._log()}")
            self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _log(self) -> str:
        self._errors.seek(0)
        return self._errors.read()[-SHOWN_LOG_CHARS_MAX:].decode(errors="replace")

    def _forget(self) -> None:
        for stream in (self.process.stdin, self.process.stdout, self._errors):
            if stream is not None:
                stream.close()
