"""Streamable HTTP and SSE with real processes, on the loopback interface alone."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx2
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp import Client
from mcp.client.sse import sse_client

from tests.server.calls import text_of
from tests.transports.raw import INITIALIZE, Raw, raw_server
from tmws_mcp.store.database import Database

pytestmark = pytest.mark.anyio

EXIT_SECONDS_MAX = 1.0
LOADED = 5  # times slower than its specification may a machine be that runs other tests too

SERVE = """
import sys
from tmws_mcp.cli.serve import serve
serve(sys.argv[1], host=sys.argv[2], port=0)
"""


@asynccontextmanager
async def serving(
    home: Path, transport: str, host: str = "127.0.0.1"
) -> AsyncIterator[tuple[str, Raw]]:
    """Start a server on any free port and give its URL."""
    command = (sys.executable, "-c", SERVE, transport, host)
    async with raw_server(home, command, stderr=subprocess.PIPE) as server:
        assert server.process.stderr is not None
        yield await _url_told_on(BufferedByteReceiveStream(server.process.stderr)), server


async def _url_told_on(stderr: BufferedByteReceiveStream) -> str:
    with anyio.fail_after(60):
        while True:
            line = await stderr.receive_until(b"\n", 500)
            if found := re.search(r"http://\S+", line.decode()):
                return found.group()


def client_of(transport: str, url: str, mode: str) -> Client:
    return Client(sse_client(url) if transport == "sse" else url, mode=mode)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_clients_of_both_eras_come_and_go(tmp_path: Path, transport: str, mode: str) -> None:
    async with serving(tmp_path, transport) as (url, _):
        async with client_of(transport, url, mode) as one:
            await one.call_tool("store_memory", {"content": "The importer listens on port 8931"})
            observed = await one.call_tool("observe_interaction", {"task": "a", "tool_used": "b"})
        async with client_of(transport, url, mode) as other:
            found = await other.call_tool("recall_memory", {"query": "importer"})

    assert not observed.is_error
    assert "8931" in text_of(found)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("transport", ["http", "sse"])
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
async def test_it_ends_within_a_second_with_streams_open(
    tmp_path: Path, transport: str, end: signal.Signals
) -> None:
    async with (
        serving(tmp_path, transport) as (url, server),
        client_of(transport, url, "legacy") as client,
    ):
        await client.call_tool("store_memory", {"content": "The importer listens on 8931"})
        asked = time.monotonic()
        server.signal(end)
        code = await server.exit_code()
        took = time.monotonic() - asked

    assert code == 0
    assert took < EXIT_SECONDS_MAX * LOADED
    assert not tmp_path.joinpath("tmws.db-wal").exists()


async def test_the_implicit_session_ends_with_the_session_of_the_handshake_era(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, "http") as (url, _):
        async with Client(url, mode="legacy") as one:
            await one.call_tool("observe_interaction", {"task": "build", "tool_used": "make"})
        with anyio.fail_after(30):
            while not await _ended_sessions(tmp_path):
                await anyio.sleep(0.05)  # another process ends it


async def _ended_sessions(home: Path) -> int:
    async with Database(home / "tmws.db") as store:
        rows = await store.read(lambda db: db.rows("SELECT ended_at FROM session"))
    return sum(ended_at is not None for (ended_at,) in rows)


async def test_each_session_of_the_handshake_era_has_an_implicit_session(tmp_path: Path) -> None:
    step = {"task": "build", "tool_used": "make"}
    async with (
        serving(tmp_path, "http") as (url, _),
        Client(url, mode="legacy") as one,
        Client(url, mode="legacy") as other,
    ):
        first = await one.call_tool("observe_interaction", step)
        again = await one.call_tool("observe_interaction", step)
        second = await other.call_tool("observe_interaction", step)

    def session(result: object) -> str:
        return result.structured_content["session_id"]  # type: ignore[attr-defined,no-any-return]

    assert session(first) == session(again) != session(second)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1:1"}, 421),
        ({"Origin": "http://evil.example"}, 403),
    ],
)
async def test_other_hosts_and_origins_are_refused(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    request = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}
    accept = {"Accept": "application/json, text/event-stream"}

    async with serving(tmp_path, "http") as (url, _), httpx2.AsyncClient() as web:
        refused = await web.post(url, json=request, headers={**accept, **headers})
        served = await web.post(url, json=request, headers=accept)

    assert refused.status_code == status
    assert served.status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
async def test_it_does_not_listen_elsewhere_and_says_why(tmp_path: Path, host: str) -> None:
    command = (sys.executable, "-c", SERVE, "http", host)
    async with raw_server(tmp_path, command, stderr=subprocess.PIPE) as server:
        assert server.process.stderr is not None
        said = await server.process.stderr.receive()
        code = await server.exit_code()

    assert code == 2
    assert b"tokens" in said


async def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    async with serving(tmp_path, "http") as (url, _):
        port = url.split(":")[2].split("/")[0]
        command = (
            sys.executable,
            "-c",
            SERVE.replace("port=0", f"port={port}"),
            "http",
            "127.0.0.1",
        )
        async with raw_server(tmp_path, command, stderr=subprocess.PIPE) as second:
            assert second.process.stderr is not None
            said = await second.process.stderr.receive()
            assert await second.exit_code() == 2

    assert b"--port" in said
