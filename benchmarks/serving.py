"""How many calls does a server answer over HTTP, against the least that the SDK can be?

Both run as processes of their own on the loopback interface, and are asked in turns by the same raw
client over connections that are kept: ours an answer of `pattern_execute` that is kept, the bare
one its echo. With `--clients N --seconds S` many clients with pauses do everything instead, and
errors and the memory of the server are told.
"""

import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.abc
from anyio.streams.buffered import BufferedByteReceiveStream
from pydantic import JsonValue

from benchmarks.report import Table, arguments, show

ROUNDS, ROUND_SECONDS = 5, 2.0
CONNECTIONS = (1, 16)
SHARE_MIN = 0.8
PAUSE_SECONDS = 0.5
WARM_SECONDS = 60.0
GROWTH_MAX = 1.1
"""Of the memory after WARM_SECONDS, by which caches and connections are there."""
START_SECONDS_MAX = 60.0
REST_SECONDS_MAX, REST_CPU_SECONDS_MAX = 180.0, 0.02
"""For how long a server may learn from its patterns' examples before it is measured, and how much
processor time in a second is rest."""
HEAD_BYTES_MAX, BODY_BYTES_MAX = 64 * 1024, 4 * 1024 * 1024
HOST, PROTOCOL = "127.0.0.1", "2026-07-28"
FACT = "we decide that the staging port is 8931"
ASKED = ("pattern_execute", {"query": "recall the staging port"})
ECHOED = ("echo", {"text": "recall the staging port"})
SAID = re.compile(rb"http://127\.0\.0\.1:(\d+)")

Call = tuple[str, Mapping[str, object]]
Server = tuple[int, int]
"""Its port and its process id."""


def request(port: int, call: Call) -> bytes:
    """Return the bytes of a call."""
    name, given = call
    about = {
        "io.modelcontextprotocol/protocolVersion": PROTOCOL,
        "io.modelcontextprotocol/clientInfo": {"name": "tmws-benchmarks", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": name, "arguments": given, "_meta": about}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    return (
        f"POST /mcp HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Type: application/json\r\n"
        "Accept: application/json, text/event-stream\r\n"
        f"MCP-Protocol-Version: {PROTOCOL}\r\nMcp-Method: tools/call\r\nMcp-Name: {name}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


class Connection:
    """A connection that is kept."""

    def __init__(self, stream: anyio.abc.SocketStream) -> None:
        self._stream, self._received = stream, BufferedByteReceiveStream(stream)

    async def ask(self, asked: bytes) -> bytes:
        """Send a call and return the body of the answer; anything but 200 ends the benchmark."""
        await self._stream.send(asked)
        head = (await self._received.receive_until(b"\r\n\r\n", HEAD_BYTES_MAX)).lower()
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise SystemExit(f"refused: {head!r}")
        if found := re.search(rb"content-length: (\d+)", head):
            return await self._received.receive_exactly(int(found[1]))
        return await self._chunks()

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self._received.receive_until(b"\r\n", 20), 16):
            body += await self._received.receive_exactly(size)
            await self._received.receive_exactly(2)
        await self._received.receive_exactly(2)
        return body


@dataclass
class Seen:
    """What the clients of a server saw."""

    times: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Of the server: what a busy machine does not distort."""
    errors: Counter[str] = field(default_factory=Counter)

    def figures(self) -> dict[str, float]:
        """Return requests a second, and times in ms."""
        quantiles = statistics.quantiles(self.times, n=100)
        return {
            "a_second": round(len(self.times) / self.seconds),
            "p50_ms": round(1000 * quantiles[49], 2),
            "p99_ms": round(1000 * quantiles[98], 2),
            "cpu_ms": round(1000 * self.cpu_seconds / len(self.times), 2),
        }


async def a_while(port: int, call: Call, connections: int, seconds: float, seen: Seen) -> None:
    """Ask over some connections, one call after the other on each."""
    asked, began = request(port, call), time.perf_counter()

    async def client() -> None:
        async with await anyio.connect_tcp(HOST, port) as stream:
            connection = Connection(stream)
            while time.perf_counter() - began < seconds:
                sent = time.perf_counter()
                answer = await connection.ask(asked)
                seen.times.append(time.perf_counter() - sent)
                if b'"isError":true' in answer:
                    raise SystemExit(f"an error: {answer!r}")

    async with anyio.create_task_group() as tasks:
        for _ in range(connections):
            tasks.start_soon(client)
    seen.seconds += time.perf_counter() - began


@contextmanager
def server(command: Sequence[str], home: str, **more: str) -> Iterator[Server]:
    """Run a server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TMWS_")}
    environment = {**kept, "TMWS_HOME": home, "TMWS_NAMESPACE": "measured", **more}
    with (
        tempfile.NamedTemporaryFile() as said,
        subprocess.Popen([sys.executable, *command], env=environment, stderr=said) as process,
    ):
        try:
            yield _port(Path(said.name)), process.pid
        finally:
            process.terminate()


def _port(said: Path) -> int:
    until = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < until:
        if found := SAID.search(said.read_bytes()):
            return int(found[1])
        time.sleep(0.05)
    raise SystemExit(f"the server did not start: {said.read_text()}")


OURS = ("-m", "tmws_mcp", "serve", "--transport", "http", "--port", "0")
BARE = ("-m", "benchmarks.bare_server", "http")


async def compared(ours: Server, bare: Server) -> dict[str, JsonValue]:
    """Return the figures of both servers, asked in turns."""
    await keep_an_answer(ours[0])
    await rest(ours[1])
    found: dict[str, JsonValue] = {}
    for connections in CONNECTIONS:
        seen = {"tmws_mcp": Seen(), "bare SDK": Seen()}
        for turn in range(ROUNDS + 1):
            for name, (port, pid), call in (
                ("tmws_mcp", ours, ASKED), ("bare SDK", bare, ECHOED)
            ):  # fmt: skip
                into = seen[name] if turn else Seen()  # the first warms up
                before = _cpu_seconds(pid)
                await a_while(port, call, connections, ROUND_SECONDS, into)
                into.cpu_seconds += _cpu_seconds(pid) - before
        one, other = (each.figures() for each in seen.values())
        found[f"{connections} connections"] = {
            "tmws_mcp": dict(one),
            "bare SDK": dict(other),
            "share": round(one["a_second"] / other["a_second"], 2),
            "share by CPU": round(other["cpu_ms"] / one["cpu_ms"], 2),
        }
    return found


async def keep_an_answer(ours: int) -> None:
    """Have our server make the answer that is asked for, and see that it is kept."""
    async with await anyio.connect_tcp(HOST, ours) as stream:
        one = Connection(stream)
        await one.ask(request(ours, ("store_memory", {"content": FACT})))
        await one.ask(request(ours, ASKED))
        if b'"cached":"process"' not in await one.ask(request(ours, ASKED)):
            raise SystemExit("the answer is not kept")


async def rest(pid: int) -> None:
    """Wait until what the first call began in the background is done."""
    with anyio.fail_after(REST_SECONDS_MAX):
        before, now = 0.0, _cpu_seconds(pid)
        while now - before > REST_CPU_SECONDS_MAX:
            await anyio.sleep(1)
            before, now = now, _cpu_seconds(pid)


def calls(client: int) -> Iterator[Call]:
    """Give what a client does, one after the other, for ever."""
    choose, number = random.Random(client), 0
    while True:
        number += 1
        yield choose.choices(
            (
                ("store_memory", {"content": f"fact {number} of client {client}"}),
                ("recall_memory", {"query": f"fact {number - 1} of client {client}"}),
                ASKED,
                ("observe_interaction", {"task": "load", "tool_used": f"tool{number % 7}"}),
                ("get_recommendations", {"task": "load"}),
            ),
            (1, 3, 4, 1, 2),
        )[0]


async def loaded(port: int, pid: int, clients: int, seconds: float) -> dict[str, JsonValue]:
    """Have many clients do everything, and return what they and the server's memory showed."""
    seen, memory, began = Seen(), {}, time.perf_counter()

    async def client(number: int) -> None:
        await anyio.sleep(PAUSE_SECONDS * number / clients)
        async with await anyio.connect_tcp(HOST, port) as stream:
            connection = Connection(stream)
            for call in calls(number):
                if time.perf_counter() - began >= seconds:
                    return
                sent = time.perf_counter()
                answer = await connection.ask(request(port, call))
                seen.times.append(time.perf_counter() - sent)
                if b'"isError":true' in answer:
                    seen.errors[call[0]] += 1
                await anyio.sleep(PAUSE_SECONDS)

    async def watch() -> None:
        for at in (min(WARM_SECONDS, seconds / 3), seconds - 1):
            await anyio.sleep(max(0.0, at - (time.perf_counter() - began)))
            memory[round(at)] = _resident_mib(pid)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        for number in range(clients):
            tasks.start_soon(client, number)
    seen.seconds = time.perf_counter() - began
    (warm_at, warm), (end_at, end) = memory.items()
    return {
        "clients": clients,
        "seconds": round(seen.seconds),
        "calls": len(seen.times),
        "errors": sum(seen.errors.values()),
        **seen.figures(),
        f"memory_mib_after_{warm_at}_s": warm,
        f"memory_mib_after_{end_at}_s": end,
        "growth": round(end / warm, 3),
    }


def _cpu_seconds(pid: int) -> float:
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def table(found: Mapping[str, JsonValue]) -> list[Table]:
    """Return the comparison as people read it."""
    rows = []
    for connections, of in found.items():
        assert isinstance(of, dict)
        for name, row in of.items():
            if isinstance(row, dict):
                cells = (row[key] for key in ("a_second", "p50_ms", "p99_ms", "cpu_ms"))
                rows.append((f"{name}, {connections}", *map(str, cells), ""))
        shares = (f"{of['share']}", "", "", f"{of['share by CPU']}", f">= {SHARE_MIN}")
        rows.append((f"share, {connections}", *shares))
    columns = ("", "a second", "p50 ms", "p99 ms", "CPU ms", "aim")
    return [Table("calls over HTTP, a kept answer against an echo", columns, rows)]


def main() -> int:
    """Measure; 1 if a promise is broken."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--clients", type=int, default=0, help="do everything with so many")
    parser.add_argument("--seconds", type=float, default=180.0)
    options = parser.parse_args()
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        ours = stack.enter_context(server(OURS, home))
        if options.clients:
            found = anyio.run(loaded, *ours, options.clients, options.seconds)
            rows = [(name.replace("_", " "), f"{value}") for name, value in found.items()]
            show(found, [Table("many clients", ("what", "value"), rows)], as_json=options.json)
            return int(bool(found["errors"]) or float(str(found["growth"])) > GROWTH_MAX)
        bare = stack.enter_context(server(BARE, home))
        found = anyio.run(compared, ours, bare)
        show(found, table(found), as_json=options.json)
    shares = [float(str(of["share"])) for of in found.values() if isinstance(of, dict)]
    return int(shares[-1] < SHARE_MIN)


if __name__ == "__main__":
    sys.exit(main())
