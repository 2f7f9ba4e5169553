"""Two tenants on one server: neither sees anything of the other, by REST or by MCP."""

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import ResourceTemplateReference
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.server.calls import text_of
from tests.web.conftest import API, make_token, settings_in
from tests.web.served import served
from tmws_mcp.web import auth

pytestmark = pytest.mark.anyio

SECRET = "The vault opens with swordfish"


@dataclass
class Tenants:
    ada: httpx2.AsyncClient
    bob: httpx2.AsyncClient
    url: str
    memory: str
    learned: str

    def mcp(self, tenant: httpx2.AsyncClient, mode: str) -> AbstractAsyncContextManager[Client]:
        return mcp_client(self.url, tenant.headers["Authorization"], mode)


@asynccontextmanager
async def mcp_client(url: str, authorization: str, mode: str) -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(headers={"Authorization": authorization}, timeout=30) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client,  # type: ignore[arg-type]
    ):
        yield client


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def tenants(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tenants]:
    folder: Path = tmp_path_factory.mktemp("tenants")
    settings = settings_in(folder, http_per_minute=0, user_namespace="ada")
    async with served(settings, tokens=True) as server, AsyncExitStack() as stack:
        app, url = server.app, server.url
        clients = []
        for name in ("ada", "bob"):
            token = await make_token(app, "read", "write", "admin", namespaces=(name,))
            headers = {"Authorization": f"Bearer {token}"}
            http = httpx2.AsyncClient(base_url=url, headers=headers, timeout=30)
            clients.append(await stack.enter_async_context(http))
        ada, bob = clients
        kept = await ada.post(f"{API}/memories", json={"content": SECRET, "tags": ["swordfish"]})
        await ada.post(f"{API}/observations", json={"task": "open", "tool_used": "swordfish_tool"})
        learned = await ada.get(f"{API}/learned")
        name = learned.json()["items"][0]["pattern_id"]
        yield Tenants(ada, bob, url, kept.json()["id"], name)


def shows(reply: Any) -> bool:
    return "swordfish" in reply.text or '"ada"' in reply.text


async def test_no_route_shows_another_tenants_data(tenants: Tenants) -> None:
    bob, memory, learned = tenants.bob, tenants.memory, tenants.learned
    asks: list[tuple[str, str, Any]] = [
        ("POST", "/memories/search", {"query": "vault opens with"}),
        ("POST", "/memories/search", {"ids": [memory]}),
        ("GET", "/memories", None),
        ("GET", f"/memories/{memory}", None),
        ("PATCH", f"/memories/{memory}", {"importance": 1}),
        ("DELETE", f"/memories/{memory}", None),
        ("POST", f"/memories/{memory}/restore", None),
        ("POST", "/memories/forget", {"query": "vault", "confirm": True}),
        ("POST", "/memories", {"content": "Another", "supersedes": memory}),
        ("POST", "/execute", {"query": "what do we know about the vault"}),
        ("POST", "/execute", {"query": "show statistics"}),
        ("POST", "/execute/batch", {"queries": [{"query": "the vault", "namespace": "ada"}]}),
        ("POST", "/recommendations", {"task": "open"}),
        ("GET", "/learned", None),
        ("GET", f"/learned/{learned}", None),
        ("DELETE", f"/learned/{learned}", None),
        ("GET", f"/learned/{learned}/promotion", None),
        ("GET", "/statistics", None),
        ("GET", "/status", None),
        ("GET", "/federation", None),
        ("GET", "/export/memories", None),
        ("GET", "/export/learned", None),
        ("GET", "/export/memories?namespace=ada", None),
        ("GET", "/export/memories?namespace=bob", None),
    ]
    for method, path, body in asks:
        reply = await bob.request(method, API + path, json=body)
        assert not shows(reply), f"{method} {path}: {reply.text}"
        assert reply.status_code < 500, f"{method} {path}: {reply.text}"

    still = await tenants.ada.get(f"{API}/memories/{memory}")
    assert still.json()["content"] == SECRET


async def test_a_tenants_namespace_that_is_empty_names_no_others(tenants: Tenants) -> None:
    replies = [
        await tenants.bob.post(f"{API}/memories/search", json={"query": "x", "namespace": "bob"}),
        await tenants.bob.post(f"{API}/recommendations", json={"task": "x", "namespace": "bob"}),
        await tenants.bob.post(f"{API}/memories/search", json={"query": "x", "namespace": "ada"}),
    ]

    assert [reply.status_code for reply in replies] == [200, 200, 403]
    assert not any('"ada"' in reply.text or "'ada'" in reply.text for reply in replies[:2])


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_no_tool_resource_or_completion_shows_another_tenants_data(
    tenants: Tenants, mode: str
) -> None:
    async with tenants.mcp(tenants.bob, mode) as bob:
        found = await bob.call_tool("recall_memory", {"query": "vault"})
        by_id = await bob.call_tool("recall_memory", {"ids": [tenants.memory]})
        other = await bob.call_tool("recall_memory", {"query": "vault", "namespace": "ada"})
        forgot = await bob.call_tool("forget_memory", {"ids": [tenants.memory]})
        stats = await bob.call_tool("pattern_execute", {"query": "show statistics"})
        template = ResourceTemplateReference(type="ref/resource", uri="tmws://memory/{id}")
        completed = await bob.complete(template, {"name": "id", "value": ""})
        resources = [
            (await bob.read_resource(uri)).model_dump_json()
            for uri in ("tmws://stats", "tmws://status", "tmws://learned", "tmws://federation")
        ]
        with pytest.raises(MCPError):
            await bob.read_resource(f"tmws://memory/{tenants.memory}")
        with pytest.raises(MCPError):
            await bob.read_resource(f"tmws://learned/{tenants.learned}")

    told = [text_of(found), text_of(by_id), text_of(forgot), text_of(stats), *resources]
    assert not any("swordfish" in text or "ada" in text.split() for text in told), told
    assert other.is_error
    assert completed.completion.values == []


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_tenant_finds_its_own_by_mcp(tenants: Tenants, mode: str) -> None:
    async with tenants.mcp(tenants.ada, mode) as ada:
        found = await ada.call_tool("recall_memory", {"query": "vault"})
        read = await ada.read_resource(f"tmws://memory/{tenants.memory}")

    assert "swordfish" in text_of(found)
    assert "swordfish" in read.model_dump_json()


async def test_a_session_is_of_the_token_that_opened_it(tenants: Tenants) -> None:
    hello = {
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        },
    }  # fmt: skip
    accept = {"Accept": "application/json, text/event-stream"}
    opened = await tenants.ada.post("/mcp", json=hello, headers=accept)
    session = {"Mcp-Session-Id": opened.headers["mcp-session-id"], **accept}
    listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}

    own = await tenants.ada.post("/mcp", json=listing, headers=session)
    stolen = await tenants.bob.post("/mcp", json=listing, headers=session)

    assert own.status_code == 200
    assert stolen.status_code == 404


async def test_a_token_that_only_reads_calls_only_tools_that_read(tmp_path: Path) -> None:
    async with served(settings_in(tmp_path), tokens=True) as server:
        url, token = server.url, await make_token(server.app, "read", namespaces=("ada",))
        async with mcp_client(url, f"Bearer {token}", "auto") as client:
            stored = await client.call_tool("store_memory", {"content": "x"})
            ran = await client.call_tool("pattern_execute", {"query": "what is 17 * 23"})
            looked = await client.call_tool(
                "pattern_execute", {"query": "what is 17 * 23", "dry_run": True}
            )
            recalled = await client.call_tool("recall_memory", {"query": "x"})

    assert stored.is_error
    assert "tmws-mcp token create" in text_of(stored)
    assert ran.is_error
    assert not looked.is_error
    assert not recalled.is_error


async def test_a_socket_tells_a_tenant_of_its_own_events_alone(tenants: Tenants) -> None:
    socket_url = tenants.url.replace("http://", "ws://") + "/ws"
    headers = {"Authorization": tenants.bob.headers["Authorization"]}
    async with connect(f"{socket_url}?namespaces=*", additional_headers=headers) as socket:
        await tenants.ada.post(f"{API}/observations", json={"task": "b", "tool_used": "c"})
        await tenants.bob.post(f"{API}/observations", json={"task": "b", "tool_used": "c"})
        with anyio.fail_after(20):
            told = await socket.recv()
    refused = connect(f"{socket_url}?namespaces=ada", additional_headers=headers)
    async with refused as socket:
        with pytest.raises(ConnectionClosed, match="not open to this caller"):
            await socket.recv()
    with pytest.raises(InvalidStatus) as without:
        async with connect(socket_url):
            pass

    assert json.loads(told)["namespace"] == "bob"
    assert without.value.response.status_code == 401


async def test_a_socket_ends_with_its_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "ASKED_AGAIN_SECONDS", 0.05)
    async with served(settings_in(tmp_path), tokens=True) as server:
        token = await make_token(server.app, "read")
        headers = {"Authorization": f"Bearer {token}"}
        async with connect(server.socket_url, additional_headers=headers) as socket:
            engine = await server.app.state.engine.opened()
            await engine.tokens.revoke(token.split("_")[1])
            with anyio.fail_after(20), pytest.raises(ConnectionClosed, match="revoked"):
                await socket.recv()
