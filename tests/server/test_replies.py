"""Every reply fits the output schema that its tool announces, in both protocol eras."""

from typing import Any

import jsonschema
import pytest
from mcp import Client
from mcp_types import CallToolResult

from tests.server.calls import text_of
from tmws_mcp.server.app import build_server
from tmws_mcp.settings import Settings

pytestmark = pytest.mark.anyio

STEP = {"task": "build", "tool_used": "make", "method": "parallel", "execution_time": 1.5}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("store_memory", {"content": "The importer listens on port 8931", "tags": ["decision"]}),
    ("store_memory", {"content": "The importer listens on port 8931"}),
    ("recall_memory", {"query": "importer"}),
    ("recall_memory", {"ids": ["none"]}),
    ("recall_memory", {"namespace": "never-used", "limit": 1}),
    ("forget_memory", {"query": "importer"}),
    ("forget_memory", {"query": "importer", "confirm": True}),
    ("forget_memory", {"undo": ["none"]}),
    ("pattern_execute", {"query": "health"}),
    ("pattern_execute", {"query": "statistics", "mode": "comprehensive", "explain": True}),
    ("pattern_execute", {"query": "check our decisions", "token_budget": 50}),
    ("pattern_execute", {"query": "remember that the sky is blue"}),
    ("pattern_execute", {"query": "nothing in particular", "dry_run": True}),
    ("observe_interaction", STEP),
    ("observe_interaction", {**STEP, "error": '{"status": 400}', "success": False}),
    ("observe_interaction", {"interactions": [STEP, {"outcome": "success"}]}),
    ("get_recommendations", {"task": "build"}),
    ("get_recommendations", {"task": "build", "want": "workflow"}),
    ("get_recommendations", {"task": "build", "want": "variant", "candidates": ["parallel"]}),
    ("get_recommendations", {"namespace": "never-used"}),
]


async def test_each_reply_fits_its_schema(client: Client) -> None:
    schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}

    for name, arguments in CALLS:
        result = await client.call_tool(name, arguments)

        assert not result.is_error, text_of(result)
        schema = schemas[name]
        assert schema is not None
        jsonschema.validate(result.structured_content, schema)


async def test_an_answer_given_again_is_rendered_as_the_first_time(settings: Settings) -> None:
    asked = {"query": "what did we decide about the importer"}
    kept = settings.model_copy(update={"embedder": "static"})  # words alone are not kept

    async with Client(build_server(kept)) as client:
        await client.call_tool(
            "store_memory", {"content": "We decided: the importer has port 8931"}
        )
        made, *again = [await client.call_tool("pattern_execute", asked) for _ in range(4)]

    assert [facts_of(one)["cached"] for one in (made, *again)] == [False, *["process"] * 3]
    for one in again:
        assert text_of(one).splitlines()[1:] == text_of(made).splitlines()[1:]
        assert lasting(one) == lasting(made)


def facts_of(result: CallToolResult) -> dict[str, Any]:
    assert result.structured_content is not None
    return result.structured_content


def lasting(result: CallToolResult) -> dict[str, Any]:
    """Return the structured part without what each call has of its own."""
    own = ("cached", "ms", "tokens", "tokens_saved")
    return {name: value for name, value in facts_of(result).items() if name not in own}
