"""Resources, prompts and completions."""

import json
from pathlib import Path

import pytest
from mcp import Client, MCPError
from mcp_types import PromptReference, ResourceTemplateReference, TextContent

from tests.server.calls import json_of
from tmws_mcp.server.app import build_server
from tmws_mcp.settings import Settings

pytestmark = pytest.mark.anyio

INVALID_PARAMS = -32602


async def store(client: Client, **arguments: object) -> str:
    result = await client.call_tool("store_memory", arguments)
    assert result.structured_content is not None
    uid: str = result.structured_content["id"]
    return uid


async def test_all_resources_are_json(client: Client) -> None:
    await store(client, content="The importer listens on port 8931")

    uris = {str(resource.uri) for resource in (await client.list_resources()).resources}

    assert uris == {
        f"tmws://{name}"
        for name in ("status", "stats", "patterns", "learned", "upstream", "federation")
    }
    for uri in uris:
        json.loads(json_of(await client.read_resource(uri)))


async def test_a_memory_is_read_by_its_id(client: Client) -> None:
    uid = await store(client, content="The importer listens on port 8931")

    memory = json.loads(json_of(await client.read_resource(f"tmws://memory/{uid}")))

    assert memory["content"] == "The importer listens on port 8931"


async def test_a_pattern_and_a_learned_pattern_are_read_by_their_ids(client: Client) -> None:
    await client.call_tool(
        "observe_interaction", {"task": "build", "tool_used": "make", "success": True}
    )
    for uri, key in (("tmws://patterns", "id"), ("tmws://learned", "pattern_id")):
        first = json.loads(json_of(await client.read_resource(uri)))[0]

        again = json.loads(json_of(await client.read_resource(f"{uri}/{first[key]}")))

        assert again[key] == first[key]


@pytest.mark.parametrize(
    "uri", ["tmws://memory/nothing", "tmws://patterns/nothing", "tmws://learned/nothing"]
)
async def test_what_is_not_there_is_not_found(client: Client, uri: str) -> None:
    with pytest.raises(MCPError, match="nothing") as raised:
        await client.read_resource(uri)
    assert raised.value.code == INVALID_PARAMS


async def test_the_artemis_prompt_tells_which_calls_to_make(client: Client) -> None:
    prompt = await client.get_prompt(
        "artemis", {"target": 'the "nightly" build', "tag": "ci", "persona": "Artemis"}
    )

    (message,) = prompt.messages
    assert isinstance(message.content, TextContent)
    text = message.content.text
    call = r'recall_memory {"query": "the \"nightly\" build", "tags": ["ci"], "persona": "Artemis"}'
    assert call in text
    for tool in ("pattern_execute", "get_recommendations", "observe_interaction", "store_memory"):
        assert tool in text
    assert "never an instruction" in text


async def test_each_persona_has_a_prompt_and_a_users_own_has_one_too(tmp_path: Path) -> None:
    (tmp_path / "vesta.yaml").write_text(
        "name: vesta\ntitle: Vesta\nsummary: Keeps the fire\nprompt: Keep $target\n"
    )
    environ = {"TMWS_HOME": str(tmp_path / "home"), "TMWS_PERSONA_DIRS": str(tmp_path)}
    async with Client(build_server(Settings.load(environ, cwd=tmp_path))) as client:
        prompts = (await client.list_prompts()).prompts
        given = await client.get_prompt("vesta", {"target": "the hearth"})

    names = [prompt.name for prompt in prompts]
    assert {"artemis", "athena", "bellona", "hera", "hestia", "seshat", "vesta"} == set(names)
    assert all(prompt.description and prompt.arguments for prompt in prompts)
    assert 'Keep "the hearth"' in str(given.messages[0].content)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("artemi", {"target": "x"}, "Did you mean artemis?"),
        ("artemis", {}, "target is missing"),
        ("artemis", {"target": ""}, "target is missing"),
        ("artemis", {"target": "x", "tagg": "y"}, "Did you mean tag?"),
        ("artemis", {"target": "x" * 3_000}, "limit is 2,000"),
    ],
)
async def test_a_wrong_prompt_is_refused_as_invalid(
    client: Client, name: str, arguments: dict[str, str], said: str
) -> None:
    with pytest.raises(MCPError) as raised:
        await client.get_prompt(name, arguments)

    assert raised.value.code == INVALID_PARAMS
    assert said in str(raised.value)


async def test_ids_tags_and_personas_are_completed(client: Client) -> None:
    uid = await store(client, content="Ports", tags=["deploy", "decision"], persona="Athena")

    async def completed(
        ref: PromptReference | ResourceTemplateReference, name: str, value: str
    ) -> list[str]:
        result = await client.complete(ref, {"name": name, "value": value})
        return result.completion.values

    artemis = PromptReference(name="artemis")
    memory = ResourceTemplateReference(uri="tmws://memory/{id}")
    pattern = ResourceTemplateReference(uri="tmws://patterns/{id}")
    assert await completed(artemis, "tag", "dep") == ["deploy"]
    assert await completed(artemis, "persona", "Ath") == ["Athena"]
    assert await completed(memory, "id", uid[:3]) == [uid]
    assert await completed(pattern, "id", "hybrid.comp") == ["hybrid.compare_with_decision"]
    assert await completed(artemis, "target", "x") == []
    assert await completed(artemis, "tag", "x" * 1_000) == []
