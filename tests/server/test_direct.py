"""What a command learns from the store without the protocol is what an MCP client learns."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from mcp import Client, MCPError
from mcp_types import TextContent, TextResourceContents

from tmws_mcp.engine import Engine, open_engine
from tmws_mcp.errors import InvalidInput, NotFound
from tmws_mcp.server.app import build_server
from tmws_mcp.server.direct import Direct
from tmws_mcp.server.entries import Caller
from tmws_mcp.settings import Settings

pytestmark = pytest.mark.anyio

CALLS = [
    ("recall_memory", {"query": "port of staging"}),
    ("recall_memory", {}),
    ("recall_memory", {"limt": 3}),
    ("recall_memory", {"limit": None, "tags": '["decision"]'}),
    ("recall_memory", {"query": "x" * 5_000}),
    ("forget_memory", {"query": "port"}),
    ("get_recommendations", {"task": "release"}),
    ("get_recommendations", {"task": "nothing of the kind"}),
    ("no_such_tool", {}),
]
DOCUMENTS = [
    "tmws://patterns",
    "tmws://patterns/memory.recall",
    "tmws://learned",
    "tmws://learned-patterns?kind=task_sequence&limit=5",
    "tmws://learned-comparison?one=build&other=push",
    "tmws://learned-changes",
    "tmws://federation",
    "tmws://upstream",
    f"tmws://recall/{quote('port of staging?', safe='')}",
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    home = {"TMWS_HOME": str(tmp_path / "home"), "TMWS_NAMESPACE": "team"}
    return Settings.load(home | {"TMWS_REGISTER_PATTERN": "true"})


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[Engine]:
    async with open_engine(settings) as engine:
        await engine.store_memory({"content": "The staging port is 8931", "tags": ["decision"]})
        steps: list[dict[str, object]] = [{"tool_used": "build"}, {"tool_used": "push"}]
        for session in ("s1", "s2", "s3"):
            await engine.observe_interaction(
                {
                    "session_id": session,
                    "task": "release",
                    "outcome": "success",
                    "interactions": steps,
                }
            )
        yield engine


@pytest.fixture
def direct(engine: Engine, settings: Settings) -> Direct:
    return Direct(engine, settings, Caller("a command", "a command"))


async def test_the_tools_are_listed_alike(direct: Direct, settings: Settings) -> None:
    async with Client(build_server(settings)) as client:
        listed = (await client.list_tools()).tools

    assert direct.tools() == [
        tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed
    ]
    assert direct.tools()[-1]["name"] == "register_pattern"


@pytest.mark.parametrize(("tool", "arguments"), CALLS)
async def test_a_call_is_answered_alike(
    direct: Direct, settings: Settings, tool: str, arguments: dict[str, Any]
) -> None:
    without = await direct.call(tool, arguments)
    async with Client(build_server(settings)) as client:
        result = await client.call_tool(tool, arguments)

    assert isinstance(result.content[0], TextContent)
    assert without.text == result.content[0].text
    assert without.structured == (result.structured_content or {})
    assert without.is_error == bool(result.is_error)


@pytest.mark.parametrize("uri", DOCUMENTS)
async def test_a_resource_is_read_alike(direct: Direct, settings: Settings, uri: str) -> None:
    without = await direct.read(uri)
    async with Client(build_server(settings)) as client:
        content = (await client.read_resource(uri)).contents[0]

    assert isinstance(content, TextResourceContents)
    assert without == json.loads(content.text)


@pytest.mark.parametrize("uri", ["tmws://memory/m0", "tmws://memory/", "tmws://nothing", "x:y"])
async def test_what_is_not_there_is_found_by_neither(
    direct: Direct, settings: Settings, uri: str
) -> None:
    with pytest.raises(NotFound):
        await direct.read(uri)
    async with Client(build_server(settings)) as client:
        with pytest.raises(MCPError):
            await client.read_resource(uri)


async def test_what_a_resource_refuses_is_said(direct: Direct) -> None:
    with pytest.raises(InvalidInput, match="is no day"):
        await direct.read("tmws://learned-changes?since=2020-13-45")
