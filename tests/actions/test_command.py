import os
import sys
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from tmws_mcp.actions.command import Finished, run_command
from tmws_mcp.errors import ActionError
from tmws_mcp.settings import command_environment

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX processes"),
]


async def python(code: str, folder: Path, **options: object) -> Finished:
    return await run_command(
        [sys.executable, "-c", code], folder=folder, environment={"SHOWN": "yes"}, **options
    )


async def test_output_error_and_code_are_told(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd()); print('no', file=sys.stderr); sys.exit(3)"
    finished = await python(code, tmp_path)

    assert finished.code == 3
    assert finished.output.decode().strip() == str(tmp_path.resolve())
    assert finished.error == "no"
    assert not finished.cut


async def test_the_environment_is_what_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "secret")
    finished = await python("import os; print(*os.environ)", tmp_path)

    assert b"SHOWN" in finished.output
    assert b"MY_TOKEN" not in finished.output


def test_a_command_gets_to_see_no_setting_of_the_servers() -> None:
    environ = {"PATH": "/bin", "HOME": "/home/ada", "TMWS_REDIS_URL": "x", "AWS_SECRET_KEY": "y"}

    assert command_environment(environ) == {"PATH": "/bin", "HOME": "/home/ada"}


async def test_there_is_no_input_and_no_shell(tmp_path: Path) -> None:
    finished = await run_command(
        [sys.executable, "-c", "import sys; print(sys.argv[1], sys.stdin.read() == '')", "$(id);*"],
        folder=tmp_path,
        environment={},
    )

    assert finished.output == b"$(id);* True\n"


async def test_a_flood_is_cut_and_ended(tmp_path: Path) -> None:
    with anyio.fail_after(10):
        finished = await python("while True: print('x' * 1000)", tmp_path, output_bytes_max=5_000)

    assert finished.cut
    assert len(finished.output) == 5_000


async def test_a_flood_of_errors_does_not_block_it(tmp_path: Path) -> None:
    with anyio.fail_after(10):
        code = "import sys; sys.stderr.write('e' * 1_000_000); print('done')"
        finished = await python(code, tmp_path)

    assert finished.output == b"done\n"
    assert len(finished.error) <= 8 * 1024


FORKS = """
import os, sys, time
if os.fork() == 0:
    time.sleep(60)
open({pids!r}, "w").write(f"{{os.getpid()}}")
time.sleep(60)
"""


async def test_a_time_limit_ends_the_whole_group(tmp_path: Path) -> None:
    with anyio.fail_after(10), pytest.raises(ActionError, match="took longer than 1 s"):
        await python(FORKS.format(pids=str(tmp_path / "pid")), tmp_path, seconds=1)

    assert await group_is_gone(int((tmp_path / "pid").read_text()))


async def test_cancelling_ends_the_whole_group(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(python, FORKS.format(pids=str(pid)), tmp_path)
            while not pid.exists() or not pid.read_text():
                await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()

    assert await group_is_gone(int(pid.read_text()))


@pytest.mark.parametrize("holds", ["sys.stdout", "subprocess.DEVNULL"])
async def test_what_a_command_leaves_running_ends_with_it(tmp_path: Path, holds: str) -> None:
    """With the command's output in hand it is waited for, to the time limit; else it is not."""
    code = f"""
import os, subprocess, sys
child = [sys.executable, "-c", "import time; time.sleep(60)"]
subprocess.Popen(child, stdout={holds}, stderr={holds})
open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
"""
    with anyio.fail_after(10), suppress(ActionError):
        await python(code, tmp_path, seconds=1)

    assert await group_is_gone(int((tmp_path / "pid").read_text()))


async def group_is_gone(pid: int) -> bool:
    with anyio.move_on_after(5):
        while lives(pid):
            await anyio.sleep(0.01)
        return True
    return False


def lives(group: int) -> bool:
    """Say whether a process of the group runs; one that waits for its parent to see it does not."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    if not Path("/proc/self/stat").exists():
        return True
    stats = (status_of(place) for place in Path("/proc").glob("[0-9]*/stat"))
    return any(state != "Z" for state, member in stats if member == group)


def status_of(place: Path) -> tuple[str, int]:
    """Return the state of a process and its group, as proc(5) has them."""
    try:
        state, _, group = place.read_text().rpartition(")")[2].split()[:3]
    except OSError:  # it ended in between
        return "Z", 0
    return state, int(group)


async def test_a_program_that_is_not_there_is_an_action_error(tmp_path: Path) -> None:
    with pytest.raises(ActionError, match="cannot be started"):
        await run_command(["/no/such/program"], folder=tmp_path, environment={})
    with pytest.raises(ActionError, match="cannot be started"):
        await run_command([sys.executable], folder=tmp_path / "none", environment={})
