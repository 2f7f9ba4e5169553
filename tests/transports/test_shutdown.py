"""SIGTERM under load: what was acknowledged is there, and every client is told that it is over."""

import itertools
import signal
import sys
from pathlib import Path

import anyio
import httpx2
import pytest

from tests.transports.test_http import serving
from tmws_mcp.store.database import Database

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]

CLIENTS, ACKNOWLEDGED_MIN = 8, 60
HEADERS = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
    "Mcp-Name": "store_memory",
}
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def storing(content: str) -> dict[str, object]:
    call = {"name": "store_memory", "arguments": {"content": content}, "_meta": META}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}


async def test_what_was_acknowledged_under_load_is_kept_and_clients_get_a_clean_end(
    tmp_path: Path,
) -> None:
    acknowledged: list[str] = []
    broken: list[str] = []
    enough = anyio.Event()

    async def work(url: str, client: int) -> None:
        async with httpx2.AsyncClient(timeout=20) as web:
            for number in itertools.count():
                content = f"fact {number} of client {client}"
                try:
                    reply = await web.post(url, json=storing(content), headers=HEADERS)
                except httpx2.TransportError as error:
                    broken.append(f"{type(error).__name__}: {error}")
                    return
                assert reply.status_code == 200
                assert '"isError":true' not in reply.text.replace(" ", "")
                acknowledged.append(content)
                if len(acknowledged) >= ACKNOWLEDGED_MIN:
                    enough.set()

    async with serving(tmp_path, "http") as (url, server):
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                for client in range(CLIENTS):
                    tasks.start_soon(work, url, client)
                await enough.wait()
                server.signal(signal.SIGTERM)
        code = await server.exit_code()

    async with Database(tmp_path / "tmws.db") as store:
        rows = await store.read(lambda db: db.rows("SELECT content FROM memory"))
    assert code == 0
    assert len(broken) == CLIENTS
    # Either nobody listens any more, or the connection was closed between two calls: no half reply.
    assert not [said for said in broken if "incomplete" in said or "Timeout" in said]
    assert set(acknowledged) <= {content for (content,) in rows}
    assert len(rows) - len(acknowledged) <= CLIENTS
