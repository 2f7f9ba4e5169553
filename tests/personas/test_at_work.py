"""Personas at work: agents scripted by the test, against real servers on one store."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters

from tests.personas.agent import calls, follow, prompt
from tests.server.calls import text_of
from tests.transports.raw import TMWS, environment
from tmws_mcp.personas.collection import load_personas
from tmws_mcp.server.app import build_server
from tmws_mcp.settings import Settings

pytestmark = pytest.mark.anyio

PERSONAS = sorted(load_personas().by_name)
TARGET = "importer"
TASK = f"optimise {TARGET}"
STEPS = ("profile_run", "batch_inserts", "benchmark_run")
RESULT = "Optimization of the importer: inserts in batches of 500, not one by one: 41 s to 6 s."


@pytest.fixture(autouse=True)
async def nothing_hangs() -> AsyncIterator[None]:
    with anyio.fail_after(120):
        yield


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with an importer in it."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "importer.py").write_text("def run_importer(rows):\n    return len(rows)\n")
    (folder / "requirements.txt").write_text("httpx==0.28\n")
    author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for command in (("init", "-q"), ("add", "."), (*author, "commit", "-q", "-m", "Import rows")):
        subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)
    return folder


def settings(tmp_path: Path, persona: str = "") -> Settings:
    environ = {
        "TMWS_HOME": str(tmp_path / "home"),
        "TMWS_NAMESPACE": "work",
        "TMWS_PERSONA": persona,
        "TMWS_WORKSPACE": str(tmp_path / "project"),
    }
    return Settings.load(environ, cwd=tmp_path)


@asynccontextmanager
async def session(tmp_path: Path, persona: str = "") -> AsyncIterator[Client]:
    """A session with a server of its own, on the store that all share."""
    async with Client(build_server(settings(tmp_path, persona))) as client:
        yield client


async def said(client: Client, tool: str, **arguments: object) -> str:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    return text_of(result)


async def work(client: Client, task: str) -> None:
    """Take the steps of a plan and report each, as the prompt asks."""
    for number, step in enumerate(STEPS, 1):
        last = {"outcome": "success", "evidence": "tests"} if step == STEPS[-1] else {}
        reported = {"task": task, "tool_used": step, "success": True, "execution_time": 2.0}
        await said(
            client, "observe_interaction", session_id=f"{task}-1", step=number, **reported, **last
        )


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("persona", PERSONAS)
async def test_the_calls_of_a_prompt_can_be_made_as_they_stand(
    persona: str, tmp_path: Path
) -> None:
    target = 'the "nightly" importer\nof C:\\data {curly} $dollar'
    async with session(tmp_path, persona) as client:
        await said(client, "store_memory", content="The importer reads rows", tags=["decision"])
        answers = await follow(client, persona, target)

    tools = {call.partition(" ")[0] for call in answers}
    assert {"recall_memory", "pattern_execute", "get_recommendations"} <= tools


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("persona", PERSONAS)
async def test_each_query_of_a_prompt_leads_to_a_pattern(persona: str, tmp_path: Path) -> None:
    async with session(tmp_path) as client:
        text = await prompt(client, persona, TARGET)
        for call in calls(text):
            if call.tool == "pattern_execute":
                result = await client.call_tool(call.tool, {**call.arguments, "dry_run": True})
                assert result.structured_content is not None
                assert result.structured_content["pattern"], call.arguments


@pytest.mark.usefixtures("project")
async def test_artemis_is_recommended_the_next_time_what_worked_this_time(tmp_path: Path) -> None:
    async with session(tmp_path, "artemis") as client:
        first = "\n".join((await follow(client, "artemis", TARGET)).values())
        assert RESULT not in first
        assert STEPS[1] not in first
        await work(client, TASK)
        await said(client, "store_memory", content=RESULT, kind="procedural", tags=["optimisation"])

    async with session(tmp_path, "artemis") as client:
        answers = await follow(client, "artemis", TARGET)
        similar = await follow(client, "artemis", "the exporter, which inserts rows one by one")

    by_tool = {call.partition(" ")[0]: text for call, text in answers.items()}
    assert RESULT in by_tool["recall_memory"]
    assert "persona artemis" in by_tool["recall_memory"]
    assert " > ".join(STEPS) in by_tool["get_recommendations"]
    analysed = next(text for call, text in answers.items() if '"context"' in call)
    assert "importer.py:1: def run_importer(rows):" in analysed  # the present
    assert RESULT in analysed  # beside what was done
    assert any(RESULT in text for call, text in similar.items() if "find similar" in call)


@pytest.mark.usefixtures("project")
async def test_the_three_questions_of_an_optimiser_are_answered(tmp_path: Path) -> None:
    """Recall what was tried, analyse what is there, find similar cases."""
    async with session(tmp_path, "artemis") as client:
        await said(client, "store_memory", content=RESULT, kind="procedural")
        routes = []
        for query in (
            f"recall optimization patterns for {TARGET}",
            f"analyze current {TARGET} performance",
            "find similar optimization cases",
        ):
            result = await client.call_tool("pattern_execute", {"query": query})
            assert result.structured_content is not None
            routes.append((result.structured_content["pattern"], RESULT in text_of(result)))

    assert routes == [
        ("memory.recall", True),
        ("hybrid.optimize_target", True),
        ("memory.find_similar", True),
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="the shared environment is for POSIX")
async def test_two_personas_work_on_one_target_through_one_store(
    project: Path, tmp_path: Path
) -> None:
    """Each in a process of its own: what one keeps, the other finds, and knows whose it is."""

    def server(persona: str) -> StdioServerParameters:
        shared = {"TMWS_NAMESPACE": "work", "TMWS_WORKSPACE": str(project)}
        own = environment(tmp_path / "home") | shared | {"TMWS_PERSONA": persona}
        return StdioServerParameters(command=TMWS[0], args=list(TMWS[1:]), env=own)

    async with Client(server("hestia")) as hestia, Client(server("artemis")) as artemis:
        risk = "The importer must keep the order of rows: the ledger is built from it."
        await said(hestia, "store_memory", content=risk, tags=["risk"])

        seen = await said(artemis, "pattern_execute", query=f"what did Hestia note about {TARGET}")
        planned = "\n".join((await follow(artemis, "artemis", TARGET)).values())
        assert risk in seen
        assert risk in planned

        await work(artemis, TASK)
        await said(artemis, "store_memory", content=RESULT, kind="procedural")
        found = await said(hestia, "recall_memory", query=TARGET, persona="artemis")
        advised = await said(hestia, "get_recommendations", task=TASK, want="workflow")

    assert RESULT in found
    assert risk not in found
    assert " > ".join(STEPS) in advised
