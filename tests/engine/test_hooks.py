"""What hooks have put down is observed, once, where it belongs."""

from pathlib import Path

import anyio
import pytest

from tests.ingest import hook_events, transcripts
from tests.ingest.hook_events import event, failed, prompt, worked
from tmws_mcp.engine import open_engine
from tmws_mcp.engine.ingesting import Taken, observe_all
from tmws_mcp.ingest import claude_code, spool
from tmws_mcp.settings import Settings

pytestmark = pytest.mark.anyio
SECRET = "sk-ant-api03-" + "Q7x" * 12


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({"TMWS_HOME": str(tmp_path / "home"), "TMWS_NAMESPACE": "team"})


def put(settings: Settings, *events: dict[str, object], namespace: str = "team") -> None:
    for one in events:
        hook_events.put(settings.home / spool.FOLDER, one, namespace)


REPAIRED = (
    prompt("mend the build"),
    failed("Bash", f"make: no rule to make target 'all', token {SECRET}"),
    worked("Edit"),
    worked("Bash"),
)


async def test_a_repair_seen_by_hooks_is_recommended(settings: Settings) -> None:
    put(settings, *REPAIRED, event("SessionEnd", reason="exit"))

    async with open_engine(settings) as engine:
        assert await engine.hooks.drain() == 5
        asked = {"recent_steps": [{"tool": "Bash", "ok": False, "error": "make: no rule to make"}]}
        reply = await engine.get_recommendations(asked)

    assert reply.recommendations[0].action == "Edit"
    assert spool.waiting(settings.home / spool.FOLDER) == []


async def test_a_server_takes_them_in_by_itself(settings: Settings) -> None:
    put(settings, *REPAIRED)

    async with open_engine(settings) as engine, anyio.create_task_group() as tasks:
        tasks.start_soon(engine.hooks.watch, 0.01)
        with anyio.fail_after(10):
            while (await engine.statistics()).learning["steps"] < 3:
                await anyio.sleep(0.02)
        tasks.cancel_scope.cancel()


async def test_what_was_observed_and_not_deleted_is_not_counted_twice(settings: Settings) -> None:
    put(settings, *REPAIRED)
    kept = {path: path.read_bytes() for path in spool.waiting(settings.home / spool.FOLDER)}

    async with open_engine(settings) as engine:
        await engine.hooks.drain()
        for path, content in kept.items():  # as if it had been killed before they were deleted
            path.write_bytes(content)
        await engine.hooks.drain()

        assert (await engine.statistics()).learning["steps"] == 3


async def test_each_project_has_its_own(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "api" / ".git").mkdir(parents=True)
    (tmp_path / "api" / "src").mkdir()
    put(settings, worked("Bash") | {"cwd": str(tmp_path / "api" / "src")}, namespace="")
    served = Settings.load({"TMWS_HOME": str(settings.home)}, cwd=tmp_path / "api")

    async with open_engine(served) as engine:
        await engine.hooks.drain()

        assert (await engine.statistics()).learning["steps"] == 1


async def test_secrets_are_not_kept(settings: Settings) -> None:
    put(settings, prompt(f"use {SECRET}"), *REPAIRED)

    async with open_engine(settings) as engine:
        await engine.hooks.drain()

    stored = [path.read_bytes() for path in settings.home.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in content for content in stored)


@pytest.mark.parametrize("first", ["hooks", "import"])
async def test_a_call_that_hooks_and_a_transcript_tell_of_counts_once(
    settings: Settings, tmp_path: Path, first: str
) -> None:
    """The transcript tells of three calls; hooks were there for two of them, and for one more."""
    transcript = transcripts.write(tmp_path / "s.jsonl", transcripts.session())
    seen = [failed("Bash", "Exit code 2"), worked("Edit"), worked("Grep")]
    for number, one in enumerate(seen):
        id_ = f"toolu_{number}" if number < 2 else "toolu_later"
        put(settings, one | {"session_id": transcripts.SESSION, "tool_use_id": id_})

    async with open_engine(settings) as engine:

        async def take_in_transcript() -> None:
            found = claude_code.read(transcript, print, lambda _: None)
            taken = Taken()
            named = ((transcript.name, one) for one in found)
            await observe_all(engine, named, taken, namespace="team", connection="import")

        async def drain() -> None:
            await engine.hooks.drain()

        both = [drain, take_in_transcript]
        for take_in in both if first == "hooks" else reversed(both):
            await take_in()

        assert (await engine.statistics()).learning["steps"] == 4


async def test_more_than_one_round_is_taken_in(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "TAKEN_AT_ONCE", 2)
    put(settings, *REPAIRED)

    async with open_engine(settings) as engine:
        assert [await engine.hooks.drain() for _ in range(3)] == [2, 2, 0]
        assert (await engine.statistics()).learning["steps"] == 3


async def test_odd_events_do_not_hold_up_the_others(settings: Settings) -> None:
    odd = worked("Edit") | {"tool_input": {"ratio": float("nan")}}
    put(settings, odd)
    put(settings, worked("Read"), namespace="No Such/ Name")
    put(settings, worked("Bash"))

    async with open_engine(settings) as engine:
        assert await engine.hooks.drain() == 3
        assert (await engine.statistics()).learning["steps"] == 2
    assert spool.waiting(settings.home / spool.FOLDER) == []
