"""pattern_execute from end to end, on a fresh store."""

import subprocess
from pathlib import Path

import pytest

from tmws_mcp.engine import Engine, open_engine
from tmws_mcp.errors import InvalidInput, PatternNotFound
from tmws_mcp.settings import Settings

pytestmark = pytest.mark.anyio


async def test_an_infrastructure_pattern_acts_on_a_fresh_store(engine: Engine) -> None:
    reply = await engine.pattern_execute({"query": "health"})

    assert reply.pattern == "infrastructure.health"
    assert reply.route == "infrastructure"
    assert all(step.ok for step in reply.steps)
    assert reply.tokens > 0


@pytest.fixture
def project(tmp_path: Path) -> None:
    """A repository with a manifest, a commit and a release in the workspace."""
    (tmp_path / "requirements.txt").write_text("httpx==0.28\n")
    author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for command in (
        ("init", "-q", "-b", "main"),
        ("add", "requirements.txt"),
        (*author, "commit", "-q", "-m", "Begin"),
        ("tag", "v1.0"),
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.usefixtures("project")
async def test_every_shipped_pattern_runs_on_a_fresh_store(engine: Engine) -> None:
    for pattern in await engine.patterns():
        reply = await engine.pattern_execute({"query": pattern.examples[0]})

        assert reply.pattern == pattern.id
        assert reply.steps
        assert all(step.ok for step in reply.steps), reply.steps


async def test_a_query_without_a_pattern_is_a_plain_recall(engine: Engine) -> None:
    await engine.store_memory({"content": "The quick brown fox jumps over the lazy dog"})

    reply = await engine.pattern_execute({"query": "brown fox"})

    assert (reply.pattern, reply.route, reply.matched_by) == (None, "memory", "none")
    assert "brown fox" in str(reply.result)


async def test_nothing_to_run_names_the_closest_patterns(engine: Engine) -> None:
    with pytest.raises(PatternNotFound, match="Closest patterns"):
        await engine.pattern_execute({"query": "a mattress of foam"})


async def test_a_dry_run_changes_nothing(engine: Engine) -> None:
    reply = await engine.pattern_execute(
        {"query": "remember that the port is 8931", "dry_run": True}
    )
    after = await engine.recall_memory({"query": "port"})

    assert reply.pattern == "memory.store"
    assert reply.steps == ()
    assert after.memories == ()


@pytest.fixture
def with_ports(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a pattern of one's own, whose answers are kept."""
    folder = tmp_path / "mine" / "memory"
    folder.mkdir(parents=True)
    (folder / "ports.yaml").write_text(
        "id: memory.ports\nroute: memory\nsummary: Known ports\ncache_seconds: 60\n"
        "triggers: {exact: [which ports]}\nexamples: {match: [which ports]}\n"
        "steps: [{name: found, recall: 'port'}]\n"
    )
    return settings.model_copy(update={"pattern_dirs": (tmp_path / "mine",)})


async def test_an_answer_is_kept_until_something_is_written(with_ports: Settings) -> None:
    async with open_engine(with_ports) as e:
        await e.store_memory({"content": "the staging port is 8931"})
        first = await e.pattern_execute({"query": "which ports"})
        second = await e.pattern_execute({"query": "which ports"})
        await e.store_memory({"content": "the production port is 443"})
        third = await e.pattern_execute({"query": "which ports"})

    assert (first.cached, second.cached, third.cached) == (False, "process", False)
    assert second.result == first.result
    assert "443" in str(third.result)


async def test_a_write_by_another_engine_makes_a_kept_answer_stale(with_ports: Settings) -> None:
    async with open_engine(with_ports) as one, open_engine(with_ports) as other:
        await one.store_memory({"content": "the staging port is 8931"})
        await one.pattern_execute({"query": "which ports"})
        await other.store_memory({"content": "the production port is 443"})
        reply = await one.pattern_execute({"query": "which ports"})

    assert reply.cached is False
    assert "443" in str(reply.result)


DEFINITION = {
    "id": "memory.oncall",
    "route": "memory",
    "summary": "Who is on call",
    "triggers": {"exact": ["who has the pager"]},
    "examples": {"match": ["who has the pager"]},
    "steps": [{"name": "found", "recall": "on call"}],
}


async def test_registering_is_off_unless_allowed(engine: Engine) -> None:
    with pytest.raises(InvalidInput, match="TMWS_REGISTER_PATTERN"):
        await engine.register_pattern({"definition": DEFINITION})


async def test_a_registered_pattern_can_be_executed_at_once(settings: Settings) -> None:
    allowed = settings.model_copy(update={"register_pattern": True})
    async with open_engine(allowed) as engine:
        await engine.store_memory({"content": "Ada is on call this week"})
        reply = await engine.register_pattern({"definition": DEFINITION})
        answer = await engine.pattern_execute({"query": "Who has the pager?"})

    assert not reply.replaced
    assert answer.pattern == "memory.oncall"
    assert "Ada" in str(answer.result)


async def test_a_broken_pattern_file_takes_no_other_pattern_away(
    settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "mine" / "memory"
    folder.mkdir(parents=True)
    (folder / "broken.yaml").write_text("id: memory.broken\nroute: [")
    async with open_engine(settings.model_copy(update={"pattern_dirs": (tmp_path / "mine",)})) as e:
        status = await e.status()
        reply = await e.pattern_execute({"query": "health"})

    assert any("broken.yaml" in problem for problem in status.problems)
    assert reply.pattern == "infrastructure.health"
