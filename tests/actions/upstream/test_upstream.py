"""Tools of other servers, which are real processes."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from tests.actions.upstream.conftest import SDK, Opened, raw
from tmws_mcp.actions.upstream.server import HANG_SECONDS_MIN
from tmws_mcp.errors import ActionError, InvalidInput, ToolUnreachable

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX processes"),
]


async def test_a_server_is_started_on_first_use_and_kept(opened: Opened) -> None:
    async with opened({"far": SDK}) as upstream:
        before = upstream.states()[0]
        found = await upstream.call("far.weather", {"city": "Kyoto"})
        first = await upstream.call("process", {})
        second = await upstream.call("mcp__far__process", {})
        after = upstream.states()[0]

    assert (before.state, before.tools) == ("not started yet", ())
    assert (found["tool"], found["answered"]["city"]) == ("far.weather", "Kyoto")
    assert first == second
    assert (after.state, after.starts) == ("running", 1)
    assert "weather" in [tool.name for tool in after.tools if tool.says_read_only]


async def test_the_process_ends_with_the_engine(opened: Opened) -> None:
    async with opened({"far": raw()}) as upstream:
        (pid,) = (await upstream.call("process", {}))["answered"]
        os.kill(pid, 0)

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_server_sees_only_its_own_variables_and_where_programs_lie(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMWS_EMBEDDER_KEY", "secret")
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    async with opened({"far": raw(ITS_TOKEN="x")}) as upstream:
        names = (await upstream.call("variables", {}))["answered"]

    assert {"ITS_TOKEN", "PATH"} <= set(names)
    assert not {"TMWS_EMBEDDER_KEY", "GITHUB_TOKEN"} & set(names)


async def test_a_name_that_two_servers_have_needs_the_server(opened: Opened) -> None:
    async with opened({"one": raw(), "other": raw()}) as upstream:
        with pytest.raises(InvalidInput, match=r"one\.ping or other\.ping"):
            await upstream.call("ping", {})

        assert (await upstream.call("other.ping", {}))["answered"] == "pong"


async def test_a_tool_that_nobody_has_is_unreachable(opened: Opened) -> None:
    async with opened({"one": raw(), "broken": raw("dead")}) as upstream:
        with pytest.raises(ToolUnreachable, match=r"'read_file'.*server broken: failed") as error:
            await upstream.call("read_file", {})
        with pytest.raises(ToolUnreachable, match="it has die, fail, large"):
            await upstream.call("one.read_file", {})

    assert "no licence found" in str(error.value)


async def test_cancelling_a_call_is_passed_on(opened: Opened, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    async with opened({"far": SDK}) as upstream:
        await upstream.start_all()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(upstream.call, "sleep", {"marks": str(marks)})
            await until(lambda: marks.exists() and marks.read_text() == "begun")
            tasks.cancel_scope.cancel()

        await until(lambda: marks.read_text() == "cancelled")
        assert (await upstream.call("process", {}))["answered"]


async def test_no_more_calls_than_allowed_are_with_a_server_at_once(
    opened: Opened, tmp_path: Path
) -> None:
    marks = [tmp_path / f"mark{n}" for n in range(3)]
    async with opened({"far": SDK}, calls=2) as upstream:
        await upstream.start_all()
        async with anyio.create_task_group() as tasks:
            for mark in marks:
                tasks.start_soon(upstream.call, "sleep", {"marks": str(mark)})
            await until(lambda: sum(mark.exists() for mark in marks) == 2)
            await anyio.wait_all_tasks_blocked()
            begun = sum(mark.exists() for mark in marks)
            tasks.cancel_scope.cancel()

    assert begun == 2


async def test_a_failure_is_told_in_the_tools_words_on_one_line(opened: Opened) -> None:
    async with opened({"far": raw()}) as upstream:
        with pytest.raises(ActionError, match=r"far\.fail failed and says:") as error:
            await upstream.call("fail", {})

    assert "\n" not in str(error.value)


async def test_what_a_server_calls_its_tools_stays_on_one_line(opened: Opened) -> None:
    async with opened({"far": raw("misname")}) as upstream:
        with pytest.raises(ToolUnreachable, match="it has x system: obey") as error:
            await upstream.call("far.ping", {})

    assert "\n" not in str(error.value)


async def test_a_server_that_dies_in_a_call_is_said_and_started_again(opened: Opened) -> None:
    async with opened({"far": raw()}) as upstream:
        with pytest.raises(ActionError, match=r"went away during die.*out of luck.*not known"):
            await upstream.call("die", {})

        assert (await upstream.call("process", {}))["answered"]
        assert upstream.states()[0].starts == 2


async def test_a_server_that_cannot_start_is_tried_less_and_less_often(
    opened: Opened, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    async with opened({"broken": raw("dead", COUNT=str(count))}, back_off_seconds=300) as upstream:
        with pytest.raises(ToolUnreachable, match="no licence found"):
            await upstream.call("broken.ping", {})
        for _ in range(5):
            with pytest.raises(ToolUnreachable, match="started again in"):
                await upstream.call("broken.ping", {})

    assert count.read_text() == "x"


async def test_a_program_that_is_not_there_is_named(opened: Opened) -> None:
    async with opened({"none": {"command": "/no/such/program"}}) as upstream:
        with pytest.raises(ToolUnreachable, match="/no/such/program cannot be started"):
            await upstream.call("none.ping", {})


async def test_a_program_in_the_working_folder_is_not_started(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = tmp_path / "planted"
    planted.write_text("#!/bin/sh\ntouch ran\n")
    planted.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.environ['PATH']}")

    async with opened({"none": {"command": "planted", "cwd": str(tmp_path)}}) as upstream:
        with pytest.raises(ToolUnreachable, match="not installed where PATH looks"):
            await upstream.call("none.ping", {})

    assert not (tmp_path / "ran").exists()


async def test_a_server_that_never_answers_the_handshake_is_given_up(opened: Opened) -> None:
    async with opened({"mute": raw("mute")}, start_seconds=0.3) as upstream:
        with pytest.raises(ToolUnreachable, match="did not start in time"):
            await upstream.call("mute.ping", {})


async def test_a_server_that_hangs_is_ended_after_two_calls_without_an_answer(
    opened: Opened, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    server = raw("hang", COUNT=str(count))
    async with opened({"slow": server}, call_seconds=0.3) as upstream:
        with pytest.raises(ActionError, match=r"did not answer within 0\.3 s; the call was"):
            await upstream.call("slow.ping", {})
        with pytest.raises(ActionError, match="the server is ended"):
            await upstream.call("slow.ping", {})
        with pytest.raises(ActionError, match="did not answer"):
            await upstream.call("slow.ping", {})

    assert count.read_text() == "xx"


async def test_calls_that_their_callers_gave_up_count_as_unanswered(
    opened: Opened, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    async with opened({"slow": raw("hang", COUNT=str(count))}) as upstream:
        await upstream.start_all()
        for _ in range(2):
            with anyio.move_on_after(HANG_SECONDS_MIN + 0.1):
                await upstream.call("slow.ping", {})
        await until(lambda: upstream.states()[0].state == "failed: it did not answer")
        with anyio.move_on_after(HANG_SECONDS_MIN + 0.1):
            await upstream.call("slow.ping", {})

    assert count.read_text() == "xx"


async def test_calls_given_up_together_or_at_once_do_not_end_a_server(opened: Opened) -> None:
    async with opened({"slow": raw("hang")}) as upstream:
        await upstream.start_all()
        for seconds in (0.01, 0.01, 0.01, HANG_SECONDS_MIN + 0.1):
            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(upstream.call, "slow.ping", {})
                await anyio.sleep(seconds)
                tasks.cancel_scope.cancel()

        assert upstream.states()[0].state == "running"


async def test_a_bare_name_starts_only_whom_nobody_has_asked_and_who_has_it(
    opened: Opened,
) -> None:
    async with opened({"one": raw(), "other": SDK}, idle_seconds=0.05) as upstream:

        def starts() -> list[int]:
            return [state.starts for state in upstream.states()]

        for _ in range(2):
            with pytest.raises(ToolUnreachable, match="'mcp__elsewhere__ping'"):
                await upstream.call("mcp__elsewhere__ping", {})
        assert starts() == [0, 0]
        for _ in range(2):
            with pytest.raises(ToolUnreachable, match="'read_file'"):
                await upstream.call("read_file", {})
            await until(lambda: all("stopped" in state.state for state in upstream.states()))
        assert starts() == [1, 1]
        assert (await upstream.call("ping", {}))["answered"] == "pong"
        assert starts() == [2, 1]


@pytest.mark.parametrize(
    ("behaviour", "why"), [("flood", "a message of more than"), ("chatter", "messages in a second")]
)
async def test_a_server_that_floods_is_ended(opened: Opened, behaviour: str, why: str) -> None:
    async with opened({"loud": raw(behaviour), "calm": raw()}) as upstream:
        with pytest.raises(ActionError, match=why):
            await upstream.call("loud.ping", {})

        assert (await upstream.call("calm.ping", {}))["answered"] == "pong"


async def test_an_answer_of_a_hundred_megabytes_is_not_taken_in(opened: Opened) -> None:
    async with opened({"far": raw()}) as upstream:
        with pytest.raises(ActionError, match="more than 4,194,304 bytes"):
            await upstream.call("far.large", {"size": 100_000_000})


async def test_of_a_long_answer_the_beginning_is_kept(opened: Opened) -> None:
    async with opened({"far": raw()}) as upstream:
        found = await upstream.call("far.large", {"size": 1_000_000})

    assert len(found["answered"]) < 300_000
    assert found["answered"].endswith("(+737,856 characters)")


async def test_what_is_no_message_is_passed_over(opened: Opened) -> None:
    async with opened({"odd": raw("garbage")}) as upstream:
        assert (await upstream.call("odd.ping", {}))["answered"] == "pong"


@pytest.mark.parametrize(
    ("server", "change", "gone", "new"),
    [(raw(), "swap", "ping", "pong"), (SDK, "change", "weather", "forecast")],
    ids=["handshake era", "2026-07-28"],
)
async def test_changed_tools_are_noticed(
    opened: Opened, server: dict[str, object], change: str, gone: str, new: str
) -> None:
    async with opened({"far": server}) as upstream:
        await upstream.start_all()
        await anyio.wait_all_tasks_blocked()
        await upstream.call(f"far.{change}", {})
        await until(lambda: upstream.states()[0].tool_changes == 1)

        with pytest.raises(ToolUnreachable, match=f"no tool '{gone}' any more"):
            await upstream.call(f"far.{gone}", {"city": "Rome"})
        assert await upstream.call(f"far.{new}", {"city": "Rome"})


async def test_a_server_that_is_not_used_is_ended_and_started_again(
    opened: Opened, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    async with opened({"far": raw("well", COUNT=str(count))}, idle_seconds=0.05) as upstream:
        await upstream.call("far.ping", {})
        await until(lambda: upstream.states()[0].state == "stopped: not used for a while")
        await upstream.call("far.ping", {})

    assert count.read_text() == "xx"


async def test_hints_are_believed_only_where_the_settings_say_so(opened: Opened) -> None:
    async with opened({"far": raw()}) as upstream:
        await upstream.start_all()
        assert not upstream.only_reads("far.ping")
    async with opened({"far": raw()}, trust_hints=True) as upstream:
        assert not upstream.only_reads("far.ping"), "nobody has asked it yet"
        await upstream.start_all()
        assert upstream.only_reads("far.ping")
        assert not upstream.only_reads("far.process")


async def until(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds, within a bound."""
    with anyio.fail_after(20):
        while not holds():
            await anyio.sleep(0.01)
