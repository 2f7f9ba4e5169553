"""The preferences of whoever is at work."""

from pathlib import Path

import pytest

from tmws_mcp.engine import Engine, open_engine
from tmws_mcp.settings import Settings

pytestmark = pytest.mark.anyio

PERSONA = """
name: {name}
title: {name}
summary: Somebody
prompt: Do $target
{more}
"""
PATTERN = """
id: memory.{name}
route: memory
summary: Something
triggers: {{exact: [which keys], regex: ['find (?:my )?keys']}}
steps: [{{name: found, recall: keys}}]
"""


@pytest.fixture
def two(settings: Settings, tmp_path: Path) -> Settings:
    """Two patterns with the same claim, and a persona that prefers the second."""
    folder = tmp_path / "mine"
    (folder / "memory").mkdir(parents=True)
    for name in ("a", "b"):
        (folder / "memory" / f"{name}.yaml").write_text(PATTERN.format(name=name))
    personas = tmp_path / "personas"
    personas.mkdir()
    prefers = "patterns: [memory.b]\nfilters: {tags: [key]}"
    (personas / "janus.yaml").write_text(PERSONA.format(name="janus", more=prefers))
    return settings.model_copy(update={"pattern_dirs": (folder,), "persona_dirs": (personas,)})


async def answered(engine: Engine, query: str, **context: str) -> str | None:
    return (await engine.pattern_execute({"query": query, "context": context})).pattern


@pytest.mark.parametrize("query", ["which keys", "please find my keys"])
async def test_between_equals_the_preferred_pattern_answers(two: Settings, query: str) -> None:
    async with open_engine(two) as engine:
        await engine.store_memory({"content": "The keys lie in the drawer"})

        assert await answered(engine, query) == "memory.a"
        assert await answered(engine, query, persona="Janus") == "memory.b"
        assert await answered(engine, query, persona="nobody") == "memory.a"


async def test_the_setting_names_who_works(two: Settings) -> None:
    async with open_engine(two.model_copy(update={"persona": "janus"})) as engine:
        await engine.store_memory({"content": "The keys lie in the drawer"})

        assert await answered(engine, "which keys") == "memory.b"


async def test_its_own_memories_come_first_and_those_of_all_where_there_are_none(
    two: Settings,
) -> None:
    async with open_engine(two) as engine:
        await engine.store_memory({"content": "The spare keys lie in the drawer"})
        as_janus = {"query": "which keys", "context": {"persona": "janus"}}

        before = await engine.pattern_execute(as_janus)
        await engine.store_memory({"content": "The keys of the gate", "tags": ["key"]})
        after = await engine.pattern_execute(as_janus)

    assert "spare keys" in str(before.result)
    assert "gate" in str(after.result)
    assert "spare keys" not in str(after.result)


async def test_what_a_pattern_stores_is_the_personas(engine: Engine) -> None:
    await engine.pattern_execute(
        {"query": "remember that the port is 8931", "context": {"persona": "athena"}}
    )

    reply = await engine.recall_memory({"query": "port", "persona": "athena"})

    assert [memory.content for memory in reply.memories] == ["the port is 8931"]


async def test_a_broken_persona_file_is_a_problem_of_the_server(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "vesta.yaml").write_text("name: [")
    async with open_engine(settings.model_copy(update={"persona_dirs": (tmp_path,)})) as engine:
        status = await engine.status()

    assert any("vesta.yaml" in problem for problem in status.problems)


async def test_personas_are_completed_from_the_files_and_the_memories(engine: Engine) -> None:
    await engine.store_memory({"content": "x", "persona": "Artemis"})
    await engine.store_memory({"content": "y", "persona": "Argus"})

    assert set(await engine.complete("persona", "Ar")) == {"Artemis", "Argus"}
    assert await engine.complete("persona", "he") == ("hera", "hestia")
