"""Several processes behind one address: nothing is lost or stale, and they end together."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp import Client
from prometheus_client.parser import text_string_to_metric_families

from tests.server.calls import text_of
from tests.transports.raw import TMWS, Raw, raw_server
from tests.transports.test_http import _url_told_on
from tests.transports.test_shutdown import HEADERS, storing
from tmws_mcp.store.database import Database

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="sockets that processes share"),
]

WORKERS, WRITERS, EACH = 2, 6, 15
CONNECTIONS = 8


@asynccontextmanager
async def team(home: Path, **more: str) -> AsyncIterator[tuple[str, Raw]]:
    """Start two workers and give their URL, once they run and one answers."""
    command = (*TMWS, "serve", "--transport", "http", "--port", "0", "--workers", str(WORKERS))
    settings = {"TMWS_NAMESPACE": "team", "TMWS_EMBEDDER": "static", **more}
    async with raw_server(home, command, settings, stderr=subprocess.PIPE) as server:
        assert server.process.stderr is not None
        url = await _url_told_on(BufferedByteReceiveStream(server.process.stderr))
        with anyio.fail_after(60):
            while len(children(server)) < WORKERS or not await answers(url):
                await anyio.sleep(0.05)
        yield url, server


def children(server: Raw) -> list[int]:
    of = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return [int(pid) for pid in of.read_text().split()]


async def answers(url: str) -> bool:
    async with httpx2.AsyncClient(timeout=30) as web:
        try:
            return (await web.get(url.replace("/mcp", "/health/live"))).status_code == 200
        except httpx2.TransportError:
            return False


async def known(url: str) -> set[str]:
    """Return the workers that have put down their figures."""
    async with httpx2.AsyncClient(timeout=30) as web:  # a connection of its own: any may get it
        text = (await web.get(url.replace("/mcp", "/metrics"))).text
    return {
        sample.labels["worker"]
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "worker" in sample.labels
    }


async def call(
    web: httpx2.AsyncClient, url: str, tool: str, **arguments: object
) -> tuple[str, dict[str, Any]]:
    """Return the text and the facts that a tool answers."""
    request = storing("")
    request["params"] = {**request["params"], "name": tool, "arguments": arguments}  # type: ignore[dict-item]
    reply = await web.post(url, json=request, headers={**HEADERS, "Mcp-Name": tool})
    *_, line = [line for line in reply.text.splitlines() if '"jsonrpc"' in line]  # JSON, or SSE
    result = json.loads(line.removeprefix("data: "))["result"]
    assert not result.get("isError"), result
    return result["content"][0]["text"], result["structuredContent"]


async def test_two_workers_lose_nothing_and_give_no_answer_from_before_a_write(
    tmp_path: Path,
) -> None:
    async with team(tmp_path) as (url, server):
        with anyio.fail_after(60):
            while len(await known(url)) < WORKERS:  # who does not listen yet gets no connections
                await anyio.sleep(0.05)
        stored = await stored_by_many(url)
        kept = await kept_answers_that_were_right(url)
        asked_of = await executed(url)
        async with Client(url, mode="legacy") as old:  # no session, so that any worker will do
            found = await old.call_tool("recall_memory", {"query": "fact", "limit": 3})
        server.signal(signal.SIGTERM)
        assert await server.exit_code() == 0

    async with Database(tmp_path / "tmws.db") as store:
        rows = await store.read(lambda db: db.rows("SELECT content FROM memory"))
    assert {content for (content,) in rows} >= set(stored)
    assert len(stored) == WRITERS * EACH
    assert kept > 0
    assert len(asked_of) == WORKERS
    assert "fact" in text_of(found)


async def stored_by_many(url: str) -> list[str]:
    """Store facts over many connections at once, and return those that were acknowledged."""
    stored: list[str] = []

    async def write(writer: int) -> None:
        async with httpx2.AsyncClient(timeout=30) as web:
            for number in range(EACH):
                content = f"fact {number} of writer {writer}"
                await call(web, url, "store_memory", content=content)
                stored.append(content)

    async with anyio.create_task_group() as tasks:
        for writer in range(WRITERS):
            tasks.start_soon(write, writer)
    return stored


async def kept_answers_that_were_right(url: str) -> int:
    """Replace a fact over one connection, ask for it over all; count the answers that were kept."""
    query, kept, last = {"query": "recall the staging port"}, 0, ""
    async with AsyncExitStack() as stack:
        clients: list[httpx2.AsyncClient] = []
        with anyio.fail_after(60):  # whoever is quicker takes a connection, until both have some
            while len(clients) < CONNECTIONS or len(await executed(url)) < WORKERS:
                clients += [await stack.enter_async_context(httpx2.AsyncClient(timeout=60))]
                await call(clients[-1], url, "pattern_execute", **query)
        for port in range(8931, 8931 + 2 * CONNECTIONS):
            writer, fact = (
                clients[port % len(clients)],
                f"we decide that the staging port is {port}",
            )
            _, told = await call(writer, url, "store_memory", content=fact, supersedes=last)
            last = told["id"]
            for client in clients:
                said, facts = await call(client, url, "pattern_execute", **query)
                kept += bool(facts.get("cached"))
                assert str(port) in said
    return kept


async def executed(url: str) -> set[str]:
    """Return the workers that have executed something."""
    async with httpx2.AsyncClient(timeout=30) as web:
        text = (await web.get(url.replace("/mcp", "/metrics"))).text
    return {
        sample.labels["worker"]
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "tmws_execution_seconds_count"
    }


async def test_a_worker_that_is_killed_is_started_again_and_all_end_with_the_first(
    tmp_path: Path,
) -> None:
    async with team(tmp_path) as (url, server):
        victim, other = children(server)
        os.kill(victim, signal.SIGKILL)
        with anyio.fail_after(60):
            while victim in children(server) or len(children(server)) < WORKERS:
                await anyio.sleep(0.05)
        assert other in children(server)
        assert await answers(url)
        left = children(server)
        server.process.kill()
        with anyio.fail_after(30):
            while any(Path(f"/proc/{pid}").exists() for pid in left):
                await anyio.sleep(0.05)


async def test_settings_that_cannot_be_used_end_all(tmp_path: Path) -> None:
    command = (*TMWS, "serve", "--transport", "sse", "--port", "0", "--workers", "2")
    async with raw_server(tmp_path, command, stderr=subprocess.PIPE) as server:
        assert server.process.stderr is not None
        said = b""
        with anyio.fail_after(60):
            async for part in server.process.stderr:
                said += part
        assert await server.exit_code() == 2

    assert b"TMWS_HTTP_WORKERS" in said
