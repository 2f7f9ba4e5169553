"""A running server listens for hooks: it keeps what they tell, and answers with hints."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from mcp import Client

from tests.ingest.hook_events import event, failed, prompt, put, start, worked
from tmws_mcp.engine import open_engine
from tmws_mcp.ingest import hook_entry, spool
from tmws_mcp.server import resident
from tmws_mcp.server.app import build_server
from tmws_mcp.server.connection import SharedEngine
from tmws_mcp.settings import Settings

pytestmark = pytest.mark.anyio
SECRET = "sk-ant-api03-" + "Q7x" * 12
ERROR = "make: no rule to make target 'all'"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take longer than a hook would wait; benchmarks/hooks.py measures that."""
    monkeypatch.setattr(resident, "HINT_SECONDS_MAX", {})
    monkeypatch.setattr(resident, "HINT_SECONDS_MAX_ELSE", 10.0)
    monkeypatch.setattr(hook_entry, "HINT_SECONDS_MAX", 10.0)
    monkeypatch.setattr(hook_entry, "KEPT_SECONDS_MAX", 20.0)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return home


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings.load({"TMWS_HOME": str(home), "TMWS_NAMESPACE": "team"})


@asynccontextmanager
async def listening(settings: Settings) -> AsyncIterator[SharedEngine]:
    """Serve, and wait until hooks are heard."""
    shared = SharedEngine(settings)
    async with shared.connection():
        with anyio.fail_after(10):
            while not (settings.home / spool.FOLDER / hook_entry.SOCKET).exists():
                await anyio.sleep(0.01)
        yield shared


async def tell(settings: Settings, one: dict[str, Any]) -> str:
    """Do what the hook does, in a thread; returns the hint."""
    folder = str(settings.home / spool.FOLDER)
    content = hook_entry.header("team", "") + json.dumps(one).encode()
    answer = await anyio.to_thread.run_sync(hook_entry.told, folder, content)
    assert answer is not None, "nobody listens"
    return json.loads(answer)["hookSpecificOutput"]["additionalContext"] if answer else ""


async def steps_of(shared: SharedEngine, at_least: int) -> int:
    engine = await shared.get()
    with anyio.fail_after(20):
        while (found := (await engine.statistics()).learning["steps"]) < at_least:
            await engine.hooks.drain()
            await anyio.sleep(0.01)
    return int(str(found))


async def get_ready(settings: Settings, shared: SharedEngine) -> None:
    """Have a session begin before those of the test, and wait until the server has loaded all."""
    await tell(settings, event("SessionStart", source="startup") | {"session_id": "before"})
    with anyio.fail_after(20):
        while not (await shared.get()).hooks.is_ready:
            await anyio.sleep(0.01)


async def teach(settings: Settings, shared: SharedEngine, repairs: int = 3) -> None:
    """Have a server that is ready know that Edit repairs what make complains of."""
    await get_ready(settings, shared)
    await (await shared.get()).observe_interaction(repaired(repairs))


def repaired(times: int) -> dict[str, Any]:
    """Return a session in which Edit repaired what make complains of."""
    steps: list[dict[str, object]] = []
    for _ in range(times):
        steps.append({"tool_used": "Bash", "success": False, "error": ERROR})
        steps += [{"tool_used": "Edit"}, {"tool_used": "Bash"}]
    return {"session_id": "earlier", "interactions": steps, "outcome": "success"}


async def test_what_repaired_such_a_failure_is_told_once(settings: Settings) -> None:
    async with listening(settings) as shared:
        await teach(settings, shared)

        first = await tell(settings, failed("Bash", ERROR))
        second = await tell(settings, failed("Bash", ERROR))
        of_another_session = await tell(settings, failed("Bash", ERROR) | {"session_id": "other"})

    assert "try Edit" in first
    assert "not instructions" in first
    assert second == ""
    assert "try Edit" in of_another_session


async def test_what_is_remembered_of_a_prompt_is_told_within_the_tokens(
    settings: Settings,
) -> None:
    async with listening(settings) as shared:
        engine = await shared.get()
        for content in (
            "The staging database listens on port 5432",
            "Releases happen on Tuesday " + "after the long meeting " * 100,
        ):
            await engine.store_memory({"content": content, "namespace": "team"})

        told = await tell(settings, prompt("on which port does the staging database listen?"))
        again = await tell(settings, prompt("on which port does the staging database listen?"))
        of_nothing = await tell(settings, prompt("paint the garden fence green"))
        at_start = await tell(
            settings, event("SessionStart", source="startup") | {"session_id": "s2"}
        )
        at_resuming = await tell(settings, event("SessionStart", source="resume"))

    assert "5432" in told
    assert (again, of_nothing, at_resuming) == ("", "", "")
    assert "5432" in at_start
    assert "recall_memory ids=" in at_start, "a long one says how to read the rest"
    assert len(at_start) < 4 * settings.hook_tokens


async def test_a_failure_does_not_wait_for_what_must_be_loaded_first(settings: Settings) -> None:
    async with listening(settings) as shared:
        await (await shared.get()).observe_interaction(repaired(3))

        at_once = await tell(settings, failed("Bash", ERROR))
        await get_ready(settings, shared)
        later = await tell(settings, failed("Bash", ERROR))

    assert at_once == ""
    assert "try Edit" in later


async def test_no_tokens_no_hints(settings: Settings) -> None:
    async with listening(settings.model_copy(update={"hook_tokens": 0})) as shared:
        await teach(settings, shared)

        assert await tell(settings, failed("Bash", ERROR)) == ""


async def test_what_a_person_refused_is_no_failure_to_repair(settings: Settings) -> None:
    async with listening(settings) as shared:
        await teach(settings, shared)
        refused = "The user doesn't want to proceed with this tool use."

        assert await tell(settings, failed("Bash", refused)) == ""


async def test_a_session_of_200_calls_through_the_hooks(settings: Settings) -> None:
    """Twenty calls fail and are repaired; the server is down for a part; nothing is lost."""
    calls = [_call(number) for number in range(200)]
    async with listening(settings) as shared:
        for one in calls[:80]:
            await tell(settings, one)
        await steps_of(shared, 80)
    for one in calls[80:120]:
        put(settings.home / spool.FOLDER, one, "team")
    async with listening(settings) as shared:
        await get_ready(settings, shared)
        hints = [await tell(settings, one) for one in calls[120:]]
        steps = await steps_of(shared, 200)
        engine = await shared.get()
        asked = {"recent_steps": [{"tool": "Bash", "ok": False, "error": ERROR}]}
        reply = await engine.get_recommendations(asked)

    assert steps == 200
    assert reply.recommendations[0].action == "Edit"
    assert [bool(hint) for hint in hints] == [number == 0 for number in range(80)]


def _call(number: int) -> dict[str, Any]:
    if number % 10 == 0:
        return failed("Bash", ERROR)
    return worked("Edit" if number % 10 == 1 else ("Read", "Grep", "Bash")[number % 3])


async def test_sixteen_processes_at_once_are_all_kept(settings: Settings) -> None:
    async with listening(settings) as shared:
        folder = settings.home / spool.FOLDER

        def all_at_once() -> list[int]:
            running = [start(folder, worked(f"t{n}"), "team") for n in range(16)]
            codes = [process.wait(60) for process in running]
            for process in running:
                process.__exit__(None, None, None)
            return codes

        assert await anyio.to_thread.run_sync(all_at_once) == [0] * 16
        assert await steps_of(shared, 16) == 16
        assert spool.problem(folder) == ""


async def test_an_event_is_on_disk_without_its_secrets_before_it_is_answered(
    settings: Settings,
) -> None:
    async with listening(settings):
        await tell(settings, failed("Bash", f"token {SECRET} refused"))

        [path] = spool.waiting(settings.home / spool.FOLDER)
        assert SECRET not in path.read_text()
        assert "refused" in path.read_text()
        socket = settings.home / spool.FOLDER / hook_entry.SOCKET
        assert socket.stat().st_mode & 0o777 == 0o600


async def test_what_waits_is_taken_in_though_no_tool_is_called(settings: Settings) -> None:
    put(settings.home / spool.FOLDER, worked("Bash"), "team")

    async with Client(build_server(settings)):
        with anyio.fail_after(20):
            while spool.waiting(settings.home / spool.FOLDER):
                await anyio.sleep(0.05)

    async with open_engine(settings) as engine:
        assert (await engine.statistics()).learning["steps"] == 1


async def test_another_server_listens_once_the_first_is_gone(
    settings: Settings,
) -> None:
    second = resident.Resident(settings, SharedEngine(settings).get)
    socket = settings.home / spool.FOLDER / hook_entry.SOCKET
    async with listening(settings), anyio.create_task_group() as tasks:
        tasks.start_soon(second.run, 0.01)
        first = socket.stat().st_ino
        await tell(settings, worked("Bash"))
        assert socket.stat().st_ino == first
        tasks.cancel_scope.cancel()
    assert not socket.exists()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(second.run, 0.01)
        with anyio.fail_after(10):
            while not socket.exists():
                await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("content", [b"", b"no event", b"\n\n{", b"\n\n[1]"])
async def test_what_is_no_event_is_not_answered(settings: Settings, content: bytes) -> None:
    async with listening(settings):
        folder = str(settings.home / spool.FOLDER)

        assert await anyio.to_thread.run_sync(hook_entry.told, folder, content) is None
        await tell(settings, worked("Bash"))


async def test_a_server_that_does_not_answer_in_time_is_as_good_as_none(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = settings.home / spool.FOLDER
    folder.mkdir()
    monkeypatch.setattr(hook_entry, "KEPT_SECONDS_MAX", 0.05)

    async with await anyio.create_unix_listener(folder / hook_entry.SOCKET):
        answer = await anyio.to_thread.run_sync(hook_entry.told, str(folder), b"\n\n{}")

    assert answer is None


async def test_a_long_path_or_a_missing_home_fails_nothing(tmp_path: Path) -> None:
    long = Settings.load({"TMWS_HOME": str(tmp_path / ("x" * 100))})
    missing = Settings.load({"TMWS_HOME": str(tmp_path / "none")})

    for settings in (long, missing):
        shared = SharedEngine(settings)
        async with shared.connection():
            assert (await (await shared.get()).statistics()).learning["steps"] == 0
    assert not resident.can_listen(tmp_path / ("x" * 100))


async def test_a_hint_that_is_late_is_left_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resident, "HINT_SECONDS_MAX_ELSE", 0.0)
    async with listening(settings) as shared:
        await teach(settings, shared)

        assert await tell(settings, failed("Bash", ERROR)) == ""


async def test_what_did_not_fit_is_told_later(settings: Settings) -> None:
    narrow = settings.model_copy(update={"hook_tokens": 60})
    async with listening(narrow) as shared:
        engine = await shared.get()
        for place in ("cellar", "attic"):
            content = f"The release key of the importer lies in the {place}, " + "well hidden " * 9
            await engine.store_memory({"content": content, "namespace": "team"})
        hints = [await tell(narrow, event("SessionStart", source="startup")) for _ in range(2)]

    assert sorted("cellar" in hint for hint in hints) == [False, True]
    assert sorted("attic" in hint for hint in hints) == [False, True]
