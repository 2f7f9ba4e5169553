"""Calls and streams that last, over HTTP: how far they are, and that they end."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx2
import pytest
from mcp import Client

from tests.web.conftest import make_token
from tests.web.served import Served, served
from tmws_mcp.settings import Settings
from tmws_mcp.web import auth

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("mode", ["legacy", "2026-07-28"]),
    pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX programs"),
]

SECONDS_MAX = 20
LASTING = """
id: infrastructure.lasting
route: infrastructure
summary: Takes long
triggers: {exact: [take long]}
examples: {match: [take long]}
budget: {milliseconds: 30000}
steps:
  - {name: quick, action: calculate.value, with: {expression: "1 + 1"}}
  - name: note
    needs: [quick]
    command: [sh, -c, "echo $$ > started; while [ ! -e go ]; do sleep 0.05; done"]
"""


@pytest.fixture
def lasting(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a pattern whose second step waits until there is a file `go`."""
    folder = tmp_path / "mine" / "infrastructure"
    folder.mkdir(parents=True)
    (folder / "lasting.yaml").write_text(LASTING)
    chosen = {
        "pattern_dirs": (tmp_path / "mine",), "commands": ("sh",),
        "command_folders": (tmp_path,), "workspace": tmp_path,
    }  # fmt: skip
    return settings.model_copy(update=chosen)


async def appears(path: Path) -> str:
    with anyio.fail_after(SECONDS_MAX):
        while not path.exists() or not path.read_text():
            await anyio.sleep(0.01)
    return path.read_text()


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_client_is_told_how_far_a_call_is(
    lasting: Settings, tmp_path: Path, mode: str
) -> None:
    told = []

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))
        (tmp_path / "go").touch()  # nothing but this progress lets the call end

    async with served(lasting) as server, Client(f"{server.url}/mcp", mode=mode) as client:
        with anyio.fail_after(SECONDS_MAX):
            answer = await client.call_tool(
                "pattern_execute", {"query": "take long"}, progress_callback=tell
            )

    assert not answer.is_error
    assert told[0] == (1, 2, "quick ended")


async def test_the_work_of_a_call_that_is_cancelled_ends(
    lasting: Settings, tmp_path: Path, mode: str
) -> None:
    async with served(lasting) as server, Client(f"{server.url}/mcp", mode=mode) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "pattern_execute", {"query": "take long"})
            process = int(await appears(tmp_path / "started"))
            assert (server.app.state.limits.at_work, is_alive(process)) == (1, True)
            tasks.cancel_scope.cancel()
        with anyio.fail_after(SECONDS_MAX):
            while server.app.state.limits.at_work or is_alive(process):
                await anyio.sleep(0.01)
        again = await client.call_tool("recall_memory", {"query": "still there"})

    assert not again.is_error


@asynccontextmanager
async def listening(server: Served, token: str, mode: str) -> AsyncIterator[httpx2.Response]:
    """Open the stream by which a client of an era is told what it did not ask for."""
    told = {"Accept": "application/json, text/event-stream", "Authorization": f"Bearer {token}"}
    url, about = f"{server.url}/mcp", {"name": "t", "version": "1"}
    async with httpx2.AsyncClient(timeout=SECONDS_MAX, headers=told) as client:
        if mode == "legacy":
            params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": about}
            hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
            begun = await client.post(url, json=hello)
            session = {"Mcp-Session-Id": begun.headers["mcp-session-id"]}
            async with client.stream("GET", url, headers=session) as stream:
                yield stream
            return
        era = "io.modelcontextprotocol/"
        meta = {
            f"{era}protocolVersion": mode, f"{era}clientInfo": about, f"{era}clientCapabilities": {}
        }  # fmt: skip
        method = "subscriptions/listen"
        params = {"_meta": meta, "notifications": {"toolsListChanged": True}}
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        headers = {"MCP-Protocol-Version": mode, "Mcp-Method": method}
        async with client.stream("POST", url, json=asked, headers=headers) as stream:
            yield stream


async def test_a_stream_ends_with_its_token(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(auth, "ASKED_AGAIN_SECONDS", 0.05)
    async with served(settings, tokens=True) as server:
        tokens = [await make_token(server.app, "read") for _ in range(2)]
        engine = await server.app.state.engine.opened()
        async with listening(server, tokens[0], mode) as ends, listening(server, tokens[1], mode):
            assert ends.headers["content-type"].startswith("text/event-stream")
            assert server.app.state.draining.streams == 2
            await engine.tokens.revoke(tokens[0].split("_")[1])
            with anyio.fail_after(SECONDS_MAX):
                async for _ in ends.aiter_bytes():  # raises where the end is missing
                    pass
            assert server.app.state.draining.streams == 1
