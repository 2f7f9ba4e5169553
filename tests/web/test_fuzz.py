"""Whatever is posted to the MCP endpoint is answered, by no more than a refusal."""

import json
from typing import Any

import anyio
import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.web.served import Served, served
from tmws_mcp.settings import Settings

pytestmark = pytest.mark.anyio

SECONDS_MAX = 10
"""Shorter than the SDK's wait for a reply before it begins a stream: a call that hangs is seen."""
ERA = "io.modelcontextprotocol/"
MODERN = "2026-07-28"
PLAIN = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
}

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
names = st.sampled_from(["name", "arguments", "_meta", "query", "uri", "id", "content"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
methods = st.sampled_from(
    [
        "initialize", "notifications/initialized", "notifications/cancelled", "ping", "tools/list",
        "tools/call", "resources/read", "prompts/get", "completion/complete", "server/discover",
        "subscriptions/listen", "logging/setLevel", "no/such",
    ]
)  # fmt: skip
tools = st.sampled_from(["recall_memory", "pattern_execute", "observe_interaction", "none", ""])
metas = st.fixed_dictionaries(
    {
        f"{ERA}protocolVersion": st.just(MODERN) | values,
        f"{ERA}clientCapabilities": st.just({}) | values,
    },
    optional={f"{ERA}clientInfo": values, "progressToken": values},
)
params = values | st.fixed_dictionaries(
    {}, optional={"name": tools | values, "arguments": values, "_meta": metas | values}
)
requests = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0") | values, "method": methods | values},
    optional={"id": values, "params": params},
)
bodies = st.binary(max_size=200) | (values | requests | st.lists(requests, max_size=3)).map(
    lambda value: json.dumps(value).encode()
)
words = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(str.strip)
headers = st.fixed_dictionaries(
    {},
    optional={
        "MCP-Protocol-Version": st.sampled_from([MODERN, "2025-11-25", "2024-11-05"]) | words,
        "Mcp-Method": methods | words,
        "Mcp-Name": tools | words,
        "Mcp-Session-Id": words,
        "Mcp-Param-query": words,
        "Content-Type": st.sampled_from(["application/json", "text/plain"]) | words,
        "Accept": st.sampled_from(["application/json", "*/*"]) | words,
        "Last-Event-ID": words,
    },
)


def posted() -> list[tuple[dict[str, str], bytes]]:
    """Give what is sent: Hypothesis runs no asynchronous tests."""
    found: list[tuple[dict[str, str], bytes]] = []

    @given(headers, bodies)
    @example({}, b"[" * 100_000)
    @example({"MCP-Protocol-Version": MODERN}, b"[" * 100_000)
    @example({"MCP-Protocol-Version": MODERN}, b'{"id": 1' + b"0" * 5_000 + b"}")
    def collect(sent: dict[str, str], body: bytes) -> None:
        found.append((PLAIN | sent, body))

    collect()
    return found


async def status_of(client: httpx2.AsyncClient, url: str, sent: dict[str, Any]) -> int:
    """Return how it was answered; a stream, which need not end, is left."""
    with anyio.fail_after(SECONDS_MAX):
        async with client.stream("POST", url, **sent) as reply:
            if not reply.headers.get("content-type", "").startswith("text/event-stream"):
                await reply.aread()
            return reply.status_code


async def still_answers(client: httpx2.AsyncClient, url: str) -> bool:
    params = {"name": "recall_memory", "arguments": {"query": "x"}, "_meta": {
        f"{ERA}protocolVersion": MODERN, f"{ERA}clientCapabilities": {},
    }}  # fmt: skip
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    told = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "recall_memory"}
    reply = await client.post(url, json=asked, headers=PLAIN | told)
    return reply.status_code == httpx2.codes.OK and not reply.json()["result"].get("isError")


@pytest.fixture
async def server(settings: Settings):
    async with served(settings) as one:
        yield one


async def test_odd_messages_are_refused_and_hold_up_nothing(server: Served) -> None:
    url = f"{server.url}/mcp"
    async with httpx2.AsyncClient(timeout=SECONDS_MAX) as client:
        for sent, body in posted():
            status = await status_of(client, url, {"headers": sent, "content": body})

            assert status < 500, (status, sent, body)

        assert await still_answers(client, url)
    with anyio.fail_after(SECONDS_MAX):
        while server.app.state.limits.at_work or server.app.state.draining.streams:
            await anyio.sleep(0.01)
