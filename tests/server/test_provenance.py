"""Through a real client: who stored a memory is kept, and what was recalled is not stored again."""

import json

import pytest
from mcp import Client
from mcp_types import Implementation

from tests.server.calls import json_of, text_of
from tmws_mcp.model.base import NAME_CHARS_MAX
from tmws_mcp.server.app import build_server
from tmws_mcp.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_memory_names_the_client_and_the_tool(settings: Settings, mode: str) -> None:
    desk = Implementation(name="Desk\nclient", version="1.2")
    async with Client(build_server(settings), mode=mode, client_info=desk) as client:
        stored = await client.call_tool("store_memory", {"content": "It is green."})

        read = await client.read_resource(f"tmws://memory/{stored.structured_content['id']}")

    memory = json.loads(json_of(read))
    assert (memory["client"], memory["via"], memory["trust"]) == (
        "Desk client 1.2",
        "store_memory",
        "agent",
    )


async def test_a_client_with_an_endless_name_is_cut(settings: Settings) -> None:
    desk = Implementation(name="x" * 5_000, version="1")
    async with Client(build_server(settings), client_info=desk) as client:
        stored = await client.call_tool("store_memory", {"content": "It is green."})

        read = await client.read_resource(f"tmws://memory/{stored.structured_content['id']}")

    assert len(json.loads(json_of(read))["client"]) == NAME_CHARS_MAX


async def test_a_reply_of_recall_that_is_stored_answers_with_the_originals(client: Client) -> None:
    ids = [
        (await client.call_tool("store_memory", {"content": text})).structured_content["id"]
        for text in ("The staging port is 8080.", "The staging host is green.")
    ]
    shown = text_of(await client.call_tool("recall_memory", {"query": "staging"}))

    again = await client.call_tool("store_memory", {"content": shown})
    changed = await client.call_tool("store_memory", {"content": shown.replace("8080", "8081")})

    assert again.structured_content["created"] is False
    assert set(again.structured_content["echo_of"]) == set(ids)
    assert all(uid in text_of(again) for uid in ids)
    assert changed.structured_content["created"] is True


async def test_a_trust_that_does_not_exist_is_refused(client: Client) -> None:
    result = await client.call_tool("store_memory", {"content": "x", "trust": "import"})

    assert result.is_error
    assert "trust" in text_of(result)
