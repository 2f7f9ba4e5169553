"""The tools as a client sees them: what is listed, what is answered, what is refused."""

import json

import anyio
import pytest
from mcp import Client

from tests.server.calls import text_of
from tmws_mcp.server.app import INSTRUCTIONS, build_server
from tmws_mcp.settings import Settings

pytestmark = pytest.mark.anyio


async def test_both_eras_are_spoken(client: Client) -> None:
    assert client.protocol_version in ("2025-11-25", "2026-07-28")
    assert client.server_info is not None
    assert client.server_info.name == "tmws-mcp"
    assert client.instructions == INSTRUCTIONS


async def test_a_memory_is_stored_and_found_and_the_text_alone_tells_all(client: Client) -> None:
    stored = await client.call_tool(
        "store_memory", {"content": "The importer listens on port 8931", "tags": ["decision"]}
    )
    found = await client.call_tool("recall_memory", {"query": "importer port"})

    assert stored.structured_content is not None
    uid = stored.structured_content["id"]
    assert uid in text_of(stored)
    assert "tests" in text_of(stored), "the text names the scope"
    for fact in (uid, "The importer listens on port 8931", "decision"):
        assert fact in text_of(found)


async def test_what_was_left_out_is_said_with_the_way_to_get_it(client: Client) -> None:
    for number in range(6):
        await client.call_tool("store_memory", {"content": f"Fact {number} about the importer"})

    found = await client.call_tool("recall_memory", {"query": "importer", "limit": 2})

    assert found.structured_content is not None
    assert found.structured_content["omitted"] == 4
    assert "4" in text_of(found)
    assert found.structured_content["cursor"] in text_of(found)


async def test_observing_once_and_asking_at_once_answers(client: Client) -> None:
    step = {
        "task": "process_data", "execution_time": 1.5, "success": True, "tool_used": "run_job",
    }  # fmt: skip
    observed = await client.call_tool("observe_interaction", step)
    advice = await client.call_tool("get_recommendations", {"task": "process_data"})

    assert not observed.is_error
    assert advice.structured_content is not None
    assert advice.structured_content["recommendations"][0]["action"] == "run_job"
    assert "run_job" in text_of(advice)


async def test_a_pattern_answers_without_memory(client: Client) -> None:
    answer = await client.call_tool("pattern_execute", {"query": "status"})

    assert not answer.is_error, text_of(answer)
    assert answer.structured_content is not None
    assert answer.structured_content["route"] == "infrastructure"
    assert answer.structured_content["pattern"] in text_of(answer)


async def test_a_null_that_says_something_stays_in_the_structured_part(client: Client) -> None:
    await client.call_tool("store_memory", {"content": "The importer listens on port 8931"})

    answer = await client.call_tool(
        "pattern_execute", {"query": "zebra crossing importer", "dry_run": True}
    )

    assert answer.structured_content is not None
    assert answer.structured_content["pattern"] is None


async def test_unknown_argument_is_refused_by_name(client: Client) -> None:
    result = await client.call_tool("recall_memory", {"query": "ports", "limt": 3})

    assert result.is_error
    assert "limt" in text_of(result)
    assert "Did you mean limit?" in text_of(result)
    assert "token_budget" in text_of(result), "the allowed names are listed"


async def test_unknown_field_of_an_interaction_is_refused_by_name(client: Client) -> None:
    result = await client.call_tool(
        "observe_interaction", {"interactions": [{"task": "build", "tool": "make"}]}
    )

    assert result.is_error
    assert "interactions" in text_of(result)
    assert "tool" in text_of(result)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"content": "x" * 5_000_000}, "limit is 4,000,000"),
        ({"content": "x" * 200_000}, "limit is 100,000"),
        ({"content": "a\0b"}, "NUL"),
        ({"content": "half \ud800 pair"}, "surrogate"),
        ({"content": ""}, "content"),
        ({}, "content is missing"),
        ({"content": None}, "content is missing"),
        ({"content": "a", "namespace": "No Spaces!"}, "malformed"),
        ({"content": "a", "importance": 7}, "importance"),
        ({"content": "a", "tags": "one"}, "tags must be an array"),
        ({"content": "a", "kind": "fact"}, "semantic"),
        ({"content": "a", "occurred_at": "yesterday"}, "occurred_at"),
    ],
)
async def test_bad_input_is_refused_briefly_and_changes_nothing(
    client: Client, arguments: dict[str, object], said: str
) -> None:
    result = await client.call_tool("store_memory", arguments)

    assert result.is_error
    assert said in text_of(result)
    assert len(text_of(result)) < 400
    assert "pydantic" not in text_of(result)
    newest = await client.call_tool("recall_memory", {})
    assert newest.structured_content is not None
    assert newest.structured_content["memories"] == []


async def test_json_text_is_read_where_an_array_or_an_object_is_wanted(client: Client) -> None:
    stored = await client.call_tool(
        "store_memory", {"content": "JSON as text", "tags": '["one", "two"]'}
    )
    found = await client.call_tool("recall_memory", {"tags": '["two"]'})

    assert not stored.is_error
    assert found.structured_content is not None
    assert found.structured_content["memories"][0]["tags"] == ["one", "two"]


async def test_an_error_that_is_json_stays_text(client: Client) -> None:
    step = {"task": "fetch", "tool_used": "http", "success": False, "error": '{"status": 400}'}

    result = await client.call_tool("observe_interaction", step)

    assert not result.is_error, text_of(result)


async def test_null_means_left_out(client: Client) -> None:
    result = await client.call_tool(
        "recall_memory", {"query": "x", "persona": None, "tags": None, "limit": None}
    )

    assert not result.is_error, text_of(result)


async def test_nulls_of_interactions_mean_left_out(client: Client) -> None:
    result = await client.call_tool(
        "observe_interaction",
        {"interactions": json.dumps([{"task": "build", "tool_used": "make", "error": None}])},
    )

    assert not result.is_error, text_of(result)


async def test_an_unknown_tool_is_a_tool_error(client: Client) -> None:
    result = await client.call_tool("recal_memory", {})

    assert result.is_error
    assert "recal_memory" in text_of(result)


async def test_a_store_that_is_no_database_is_told_and_left_alone(settings: Settings) -> None:
    settings.db.write_text("a letter to the tax office, not a database\n" * 200)
    before = settings.db.read_bytes()

    async with Client(build_server(settings)) as client:
        result = await client.call_tool("store_memory", {"content": "x"})

    assert result.is_error
    assert "TMWS_DB" in text_of(result)
    assert settings.db.read_bytes() == before


async def test_register_pattern_is_listed_where_it_is_enabled(settings: Settings) -> None:
    enabled = settings.model_copy(update={"register_pattern": True})
    definition = {
        "id": "memory.recall_ports",
        "route": "memory",
        "summary": "Recall what is known about ports",
        "triggers": {"exact": ["which ports do we use"]},
        "examples": {"match": ["which ports do we use"], "no_match": ["what time is it"]},
        "steps": [{"name": "ports", "recall": "ports", "limit": 3}],
    }

    async with Client(build_server(enabled)) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        saved = await client.call_tool("register_pattern", {"definition": definition})

    assert "register_pattern" in names
    assert not saved.is_error, text_of(saved)
    assert "memory.recall_ports" in text_of(saved)


async def test_many_calls_at_once_are_all_answered(client: Client) -> None:
    answered = []

    async def store(number: int) -> None:
        result = await client.call_tool("store_memory", {"content": f"Fact number {number}"})
        answered.append(result.is_error)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(store, number)

    assert answered == [False] * 50


async def test_a_bug_of_ours_is_told_without_its_text(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError("internal matters")

    monkeypatch.setattr("tmws_mcp.server.tools.validated", crash)

    async with Client(build_server(settings)) as client:
        result = await client.call_tool("recall_memory", {})

    assert result.is_error
    assert "error of the server" in text_of(result)
    assert "internal matters" not in text_of(result)
    assert "internal matters" in caplog.text, "the log has the details"
